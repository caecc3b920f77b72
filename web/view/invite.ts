import { type Api, path } from '../api.ts'
import { h } from '../dom.ts'
import type { Room } from '../room.ts'
import type { Store } from '../store.ts'
import { words } from '../words.ts'
import { ask } from './dialog.ts'
import { fullUserId } from './full-user-id.ts'

/** For how long invitations may be open, in hours. */
const LIFETIMES = [1, 24, 7 * 24, 30 * 24]
const HOUR_MS = 3_600_000

const lifetimeName = (hours: number): string =>
  new Intl.NumberFormat(words.lang, {
    style: 'unit',
    unitDisplay: 'long',
    unit: hours < 24 ? 'hour' : 'day',
  }).format(hours < 24 ? hours : hours / 24)

/**
 * Asks whom to invite into a room, and does it.
 *
 * @param onInvited is called then: of one that is for later nothing is heard in the room
 */
export const invite = (api: Api, store: Store, room: Room, onInvited: () => Promise<void>): void => {
  const lifetimes = LIFETIMES.map(hours => h('option', { value: hours * HOUR_MS }, lifetimeName(hours)))
  const occasion = occasionFields()
  ask(
    words.room.inviteTitle,
    [
      { name: 'user', label: words.rooms.user, placeholder: '@carol:example.org' },
      { name: 'reason', label: words.room.comment, isOptional: true },
      {
        name: 'lifetime',
        label: words.room.lifetime,
        input: h('select', {}, h('option', { value: '' }, words.room.noEnd), ...lifetimes),
      },
      {
        name: 'delivery',
        label: words.room.delivery,
        input: timeField(),
      },
      occasion.element,
    ],
    words.room.inviteButton,
    async ({ user = '', reason = '', lifetime = '', delivery = '' }) => {
      const invitation = {
        ...(lifetime === '' ? {} : { ttl_ms: Number(lifetime) }),
        ...(delivery === '' ? {} : { deliver_ts: timeOf(delivery) }),
        ...occasion.event(),
      }
      await api.post(path`/rooms/${room.id}/invite`, {
        user_id: fullUserId(user, store),
        ...(reason === '' ? {} : { reason }),
        'chat.tessera.invitation': invitation,
      })
      void onInvited()
      return {}
    },
  )
}

const timeField = (): HTMLInputElement => h('input', { type: 'datetime-local', min: localMinute(Date.now()) })

const timeOf = (local: string): number => new Date(local).getTime()

/** What the invitation is to, for calendars: nothing, or something that begins at some time. */
const occasionFields = () => {
  const [summary, start, end] = [h('input', { maxlength: 500 }), timeField(), timeField()]
  const { occasion: say } = words.room
  const element = h(
    'details',
    {},
    h('summary', {}, say.title),
    h('label', {}, say.summary, summary),
    h('label', {}, say.start, start),
    h('label', {}, say.end, end),
  )
  element.addEventListener('input', () => {
    start.required = summary.value.trim() !== '' || end.value !== ''
    end.min = start.value || start.min
  })
  // What is folded away cannot be said to be missing: the form would not be sent, without a word.
  const unfold = (): void => {
    element.open = true
  }
  element.addEventListener('invalid', unfold, true)
  return {
    element,
    event: () =>
      start.value === ''
        ? {}
        : {
            event: {
              start: timeOf(start.value),
              ...(end.value === '' ? {} : { end: timeOf(end.value) }),
              ...(summary.value.trim() === '' ? {} : { summary: summary.value.trim() }),
            },
          },
  }
}

/** A time as fields for one have it: by the reader's clock. */
const localMinute = (ts: number): string =>
  new Date(ts - new Date(ts).getTimezoneOffset() * 60_000).toISOString().slice(0, 16)

import { type Api, type Json, list, object, path, text } from '../api.ts'
import { acting, arrange, facts, h, shownTime } from '../dom.ts'
import { localpart, visible } from '../names.ts'
import type { Room } from '../room.ts'
import type { Store } from '../store.ts'
import { words } from '../words.ts'
import { countdown } from './countdown.ts'

const { invited: say } = words

/** Whom the user has asked into the open room, and who is not there yet: each can be told not to come. */
export const invitedView = (api: Api, store: Store) => {
  const heading = h('summary')
  const people = h('ul', { class: 'cards' })
  const element = h('details', { class: 'invited', hidden: true }, heading, people)
  let shown = ''
  let isStale = false
  /** The answer to the last question counts, whichever comes last. */
  let asked = 0
  const fetchOf = async (room: Room): Promise<void> => {
    if (room.id !== store.selected) return
    const question = ++asked
    const pending = await pendingOf(api, room.id)
    if (question !== asked || room.id !== store.selected) return
    const hadFocus = element.contains(document.activeElement)
    element.hidden = pending.length === 0
    heading.textContent = say.title(pending.length)
    arrange(
      people,
      pending.map(each => itemOf(api, each, () => refresh(room))),
    )
    // Who has withdrawn the last of them by keyboard is not sent to the top of the page.
    if (hadFocus && element.hidden) element.parentElement?.querySelector('h1')?.focus()
  }
  const refresh = (room: Room): Promise<void> =>
    fetchOf(room).catch(() => {
      // It is asked again with the next change.
      isStale = true
    })
  return {
    element,
    /** To be told of each change of the room: whoever comes or goes, or does not answer in time, may be one of them. */
    show: (room: Room): void => {
      const now = JSON.stringify([room.id, room.memberChanges, newsOf(store, room.id)])
      if (store.trouble !== undefined || (now === shown && !isStale)) return
      if (!shown.startsWith(`["${room.id}"`)) element.hidden = true
      shown = now
      isStale = false
      void refresh(room)
    },
    refresh,
  }
}

/** What the user has been told of their invitations to a room, such as that one could not be sent. */
const newsOf = (store: Store, roomId: string): string[] =>
  [...store.notifications.values()]
    .filter(({ kind, roomId: of }) => of === roomId && kind.startsWith('invitation_'))
    .map(({ id }) => id)

/** The user's own invitations to a room that wait to be sent, or to be answered. */
const pendingOf = async (api: Api, roomId: string): Promise<Json[]> => {
  const found: Json[] = []
  let from: string | undefined = ''
  while (from !== undefined) {
    const query = new URLSearchParams({
      direction: 'sent',
      room_id: roomId,
      limit: '100',
      ...(from && { from }),
    })
    for (const status of ['scheduled', 'invited']) query.append('status', status)
    const page: Json = await api.own('GET', `/invitations?${query}`)
    found.push(...list(page['invitations']))
    from = text(page['next_batch'])
  }
  return found
}

const itemOf = (api: Api, invitation: Json, refresh: () => Promise<void>): HTMLElement => {
  const { room_id: roomId, invited, status, deliver_ts: delivery, expires_ts: end } = invitation
  const { user_id: user, displayname, address } = object(invited)
  const id = text(user) ?? `mailto:${text(address) ?? ''}`
  const name = visible(displayname) ?? (text(user) === undefined ? (text(address) ?? '') : localpart(id))
  const isLater = status === 'scheduled' && typeof delivery === 'number'
  const withdraw = async (): Promise<void> => {
    await api.own('DELETE', path`/invitations/${text(roomId) ?? ''}/${id}`)
    await refresh()
  }
  const item = h(
    'li',
    { class: 'row' },
    h(
      'div',
      { class: 'what' },
      h('strong', {}, name),
      h('small', {}, ...facts(id.replace(/^mailto:/, ''), isLater ? say.goesOut(shownTime(delivery)) : '')),
      typeof end === 'number' && countdown(end),
    ),
    h(
      'button',
      { class: 'quiet', 'aria-label': say.withdrawOf(name), onclick: () => acting(item, withdraw) },
      say.withdraw,
    ),
  )
  return item
}

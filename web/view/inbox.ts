import { type Api, path } from '../api.ts'
import { acting, arrange, facts, h, shownSpan, shownTime } from '../dom.ts'
import type { Medium } from '../room.ts'
import type { Invitation, Notification, Store } from '../store.ts'
import { words } from '../words.ts'
import { saveAs } from './attachment.ts'
import { countdown } from './countdown.ts'
import { ask } from './dialog.ts'
import { roomPicture } from './picture.ts'

const { inbox: say } = words

/** What waits for the user: invitations first, then the other notifications. */
export const inboxView = (api: Api, store: Store): HTMLElement => {
  const waiting = h('ul', { class: 'cards' })
  const heading = h('h2', {}, say.title)
  const inbox = h('div', {}, heading, waiting)
  const heard = h('p', { class: 'heard', role: 'status' })
  const section = h('section', { class: 'inbox', 'aria-label': say.title }, heard, inbox)
  const tell = herald(store, heard)
  const invitationCards = cards((shown: Invitation) => invitationCard(api, store, shown))
  const notificationCards = cards((shown: Notification) => notificationCard(api, store, shown))
  store.watch(() => {
    const invitations = invitationCards([...store.invitations.values()])
    const known = [...store.notifications.values()]
    const shown = known.filter(each => !isShownElsewhere(each, store)).sort((a, b) => b.ts - a.ts)
    const inOpenRoom = known.filter(each => isInOpenRoom(each, store)).length
    const others = notificationCards(shown)
    const count = Math.max(store.total - inOpenRoom, invitations.length + others.length)
    heading.textContent = count === 0 ? say.title : `${say.title} (${count})`
    document.title = count === 0 ? 'Tessera' : `(${count}) Tessera`
    inbox.hidden = count === 0
    tell([...store.invitations.values(), ...shown])
    arrange(waiting, [...invitations, ...others])
  })
  return section
}

/** Tells readers who do not see the page of what comes while it is open. */
const herald = (store: Store, heard: HTMLElement) => {
  let known: ReadonlySet<string> | undefined
  return (all: readonly (Invitation | Notification)[]): void => {
    if (!store.isLoaded) return
    const ids = all.map(each => ('id' in each ? each.id : each.roomId))
    const fresh = all.filter((_, index) => known?.has(ids[index] ?? '') === false)
    known = new Set(ids)
    if (fresh.length > 0) heard.textContent = fresh.map(each => lineOf(each, store)).join('. ')
  }
}

const lineOf = (each: Invitation | Notification, store: Store): string =>
  'id' in each
    ? [titleOf(each), each.preview].filter(Boolean).join(': ')
    : `${say.invites(each.inviterName)}: ${each.room.nameFor(store.userId)}`

/** The cards of things that are shown: each keeps its own as long as it is the same. */
const cards = <Shown>(make: (shown: Shown) => HTMLElement) => {
  let made = new Map<Shown, HTMLElement>()
  return (all: readonly Shown[]): HTMLElement[] => {
    made = new Map(all.map(shown => [shown, made.get(shown) ?? make(shown)]))
    return [...made.values()]
  }
}

/** Whoever asks to be let in is invited, or refused. */
const answers = (api: Api, { roomId = '', sender }: Notification): HTMLElement => {
  const answer = (how: 'invite' | 'kick', text: string, kind?: string): HTMLElement =>
    h(
      'button',
      {
        class: kind,
        onclick: () => acting(row, () => api.post(path`/rooms/${roomId}/${how}`, { user_id: sender })),
      },
      text,
    )
  const row: HTMLElement = h('div', { class: 'row' })
  row.append(answer('invite', say.letIn), answer('kick', say.refuse, 'quiet'))
  return row
}

/** Invitations have cards of their own, and what is said in the open room is there to be read. */
const isShownElsewhere = (notification: Notification, store: Store): boolean =>
  notification.kind === 'invitation' || isInOpenRoom(notification, store)

const isInOpenRoom = ({ kind, roomId }: Notification, store: Store): boolean =>
  roomId === store.selected && !document.hidden && READ_THERE.includes(kind)

const READ_THERE = ['message', 'mention', 'conversation_requested']

const invitationCard = (api: Api, store: Store, invitation: Invitation): HTMLElement => {
  const { roomId, room, inviter, inviterName, comment, occasion, expiresTs } = invitation
  const card = h(
    'li',
    { class: 'invitation', 'data-room': roomId },
    roomPicture(api, room),
    h(
      'div',
      { class: 'what' },
      h('strong', {}, room.nameFor(store.userId)),
      h('small', {}, say.invites(inviterName)),
      // A name can be anybody's; this is not.
      h('small', {}, ...facts(inviter, room.isEncrypted ? words.room.encrypted : '')),
    ),
    room.topic !== '' && h('p', { class: 'topic', dir: 'auto' }, room.topic),
    comment !== '' && h('blockquote', { dir: 'auto' }, comment),
    occasion && h('p', {}, ...facts(occasion.summary, shownSpan(occasion))),
    room.media && h('small', {}, words.rooms.allows(mediaNames(room.media))),
    expiresTs !== undefined && countdown(expiresTs),
    h(
      'div',
      { class: 'row' },
      h('button', { onclick: () => acting(card, () => accept(api, store, roomId)) }, say.accept),
      h('button', { class: 'quiet', onclick: () => decline(api, invitation) }, say.decline),
      occasion &&
        h(
          'button',
          { class: 'quiet', onclick: () => acting(card, () => saveDate(api, roomId)) },
          say.saveDate,
        ),
    ),
  )
  return card
}

/** As a file that calendars take. */
const saveDate = async (api: Api, roomId: string): Promise<void> => {
  const address = await api.picture(path`/_matrix/client/v1/chat.tessera/invitations/${roomId}/invite.ics`)
  if (address === undefined) throw new Error(words.media.missing)
  saveAs('invite.ics')(address)
}

/** What may be sent, in words. */
const mediaNames = (media: readonly Medium[]): string =>
  media.map(medium => words.rooms.media[medium]).join(', ')

const accept = async (api: Api, store: Store, roomId: string): Promise<void> => {
  await api.post(path`/join/${roomId}`)
  store.select(roomId)
}

/** With a message the inviter is told; without one nothing is shown to them. */
const decline = (api: Api, { roomId, inviterName }: Invitation): void =>
  ask(
    say.declineTitle,
    [{ name: 'reason', label: say.declineMessage(inviterName), isOptional: true }],
    say.declineButton,
    ({ reason = '' }) =>
      api.post(path`/rooms/${roomId}/leave`, reason === '' ? { 'chat.tessera.silent': true } : { reason }),
  )

const titleOf = ({ kind, isFailure, senderName }: Notification): string =>
  isFailure ? say.notInvited(senderName) : (say.did[kind]?.(senderName) ?? `${senderName}: ${kind}`)

const notificationCard = (api: Api, store: Store, notification: Notification): HTMLElement => {
  const { id, kind, roomId, sender, preview, count, ts } = notification
  const roomName = store.rooms.get(roomId ?? '')?.nameFor(store.userId) ?? notification.roomName
  const open = (): void => {
    if (roomId !== undefined) store.select(roomId)
  }
  const card = h(
    'li',
    { class: 'notification', 'data-kind': kind },
    h(
      'button',
      { class: 'plain what', onclick: open },
      h('strong', {}, titleOf(notification)),
      h('small', {}, ...facts(roomName, count > 1 ? say.messages(count) : '', shownTime(ts))),
      h('small', {}, h('bdi', {}, sender)),
      preview !== '' && h('span', { class: 'preview', dir: 'auto' }, preview),
    ),
    kind === 'knock' && answers(api, notification),
    h(
      'button',
      {
        class: 'quiet close',
        'aria-label': say.close,
        onclick: () => acting(card, () => api.own('DELETE', path`/notifications/${id}`)),
      },
      '×',
    ),
  )
  return card
}

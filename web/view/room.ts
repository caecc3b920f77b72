import { type Api, list, path, text } from '../api.ts'
import { acting, facts, h } from '../dom.ts'
import type { Outbox } from '../outbox.ts'
import { type Room, roomEvent } from '../room.ts'
import type { Store } from '../store.ts'
import { words } from '../words.ts'
import { composerView } from './composer.ts'
import { ask } from './dialog.ts'
import { fullUserId } from './full-user-id.ts'
import { invite } from './invite.ts'
import { invitedView } from './invited.ts'
import { showPeople } from './people.ts'
import { roomPicture } from './picture.ts'
import { Timeline } from './timeline.ts'
import { unsentView } from './unsent.ts'

/** Servers that are asked about the room that takes the place of another. */
const MAX_VIA = 5

/** The open room: what it is, what was said, and the line to say something. */
export const roomView = (api: Api, store: Store, outbox: Outbox): HTMLElement => {
  const unsent = unsentView(outbox)
  const timeline = new Timeline({
    ...{ api, after: unsent.element },
    onEarlier: room => earlier(api, store, room),
    onEnd: () => read(),
  })
  const header = h('header', {})
  const invited = invitedView(api, store)
  const typing = h('p', { class: 'typing', 'aria-live': 'polite' })
  const composer = composerView(api, store, outbox, () => timeline.goToEnd())
  const empty = h('p', { class: 'empty' }, words.room.choose)
  const main = h('main', { class: 'room' }, empty)
  let shown = ''
  const reader = new Reader(api)
  const read = (): void => {
    if (store.room !== undefined && timeline.isAtEnd) reader.read(store.room)
  }
  store.watch(() => {
    const { room } = store
    document.body.dataset['view'] = room === undefined ? 'list' : 'room'
    if (room === undefined) {
      main.replaceChildren(empty)
      shown = ''
      return
    }
    const now = JSON.stringify([
      room.id,
      room.nameFor(store.userId),
      room.topic,
      room.joinedCount,
      room.isEncrypted,
      room.successor,
      text(room.state('m.room.avatar')['url']),
    ])
    if (now !== shown) {
      const focused = header.querySelector(':focus')?.textContent
      header.replaceChildren(...headerParts(api, store, room, () => invited.refresh(room)))
      const buttons = [...header.querySelectorAll('button')]
      buttons.find(({ textContent }) => textContent === focused)?.focus()
      if (shown === '' || !main.contains(header))
        main.replaceChildren(header, invited.element, timeline.element, typing, composer.element)
      composer.show(room)
      if (!shown.startsWith(`["${room.id}"`)) focusOn(header, composer.element)
      shown = now
    }
    invited.show(room)
    unsent.show(room.id)
    timeline.show(room)
    const others = room.typing.filter(userId => userId !== store.userId).map(userId => room.nameOf(userId))
    typing.textContent = others.length === 0 ? '' : words.room.typing(others)
    read()
  })
  document.addEventListener('visibilitychange', read)
  return main
}

/** At a desk one goes on by writing; elsewhere that would cover half of the room with a keyboard. */
const focusOn = (header: HTMLElement, composer: HTMLElement): void => {
  const isDesk = matchMedia('(min-width: 48rem)').matches
  const goOn = isDesk ? composer.querySelector('textarea') : header.querySelector('h1')
  goOn?.focus()
}

/** Marks as read what the user has before their eyes. */
class Reader {
  readonly #api: Api
  readonly #marked = new Map<string, string>()

  constructor(api: Api) {
    this.#api = api
  }

  read(room: Room): void {
    const newest = room.events.at(-1)
    if (newest === undefined || document.hidden || this.#marked.get(room.id) === newest.id) return
    this.#marked.set(room.id, newest.id)
    void this.#api
      .post(path`/rooms/${room.id}/receipt/m.read/${newest.id}`)
      .catch(() => this.#marked.delete(room.id))
  }
}

/** Where the history begins before the first event that is still known. */
const beforeFirst = async (api: Api, room: Room): Promise<string | undefined> => {
  const first = room.events[0]
  if (first === undefined) return undefined
  return text((await api.get(`${path`/rooms/${room.id}/context/${first.id}`}?limit=0`))['start'])
}

const earlier = async (api: Api, store: Store, room: Room): Promise<void> => {
  const [first] = room.events
  const from = room.before ?? (await beforeFirst(api, room))
  if (from === undefined) return
  const page = await api.get(
    `${path`/rooms/${room.id}/messages`}?${new URLSearchParams({ dir: 'b', from, limit: '50' })}`,
  )
  // What is known may begin elsewhere by now.
  if (room.events[0] !== first) return
  for (const event of list(page['state']).map(roomEvent))
    if (
      event.stateKey !== undefined &&
      event.type === 'm.room.member' &&
      !room.state(event.type, event.stateKey)['membership']
    )
      room.setState(event.type, event.stateKey, event.content)
  room.prepend(list(page['chunk']).map(roomEvent), text(page['end']))
  store.changed()
}

const headerParts = (api: Api, store: Store, room: Room, onInvited: () => Promise<void>): HTMLElement[] => {
  const isDirect = room.directUsers.length === 2
  const { successor } = room
  const actions = h(
    'div',
    { class: 'row actions' },
    successor !== undefined &&
      h(
        'button',
        { onclick: () => acting(actions, () => goOn(api, store, successor, room.servers)) },
        words.room.goOn,
      ),
    h(
      'button',
      {
        class: 'quiet',
        onclick: () => showPeople(api, store, room),
      },
      words.people.button(room.joinedCount),
    ),
    h(
      'button',
      {
        class: 'quiet',
        onclick: () => (isDirect ? addThird(api, store, room) : invite(api, store, room, onInvited)),
      },
      isDirect ? words.room.add : words.room.invite,
    ),
    isDirect &&
      h(
        'button',
        { class: 'quiet', onclick: () => acting(actions, () => requestAttention(api, store, room)) },
        words.room.askToTalk,
      ),
    h('button', { class: 'quiet', onclick: () => leave(api, store, room) }, words.room.leave),
  )
  return [
    h(
      'button',
      { class: 'quiet back', 'aria-label': words.room.back, onclick: () => store.select(undefined) },
      '←',
    ),
    roomPicture(api, room),
    h(
      'div',
      { class: 'what' },
      h('h1', { dir: 'auto', tabindex: -1 }, room.nameFor(store.userId)),
      h('small', {}, ...facts(room.isEncrypted ? words.room.encrypted : '', room.topic)),
    ),
    actions,
  ]
}

/** A third person opens a new room, which takes the newest messages along; the chat of the two stays as it is. */
const addThird = (api: Api, store: Store, room: Room): void =>
  ask(
    words.room.addTitle,
    [{ name: 'user', label: words.rooms.user, placeholder: '@carol:example.org' }],
    words.room.inviteButton,
    async ({ user = '' }) => {
      const { room_id: roomId } = await api.own('POST', path`/direct/${room.id}/extend`, {
        invite: [fullUserId(user, store)],
        history: 50,
      })
      return () => store.select(text(roomId))
    },
  )

const requestAttention = async (api: Api, store: Store, room: Room): Promise<void> => {
  const other = room.directUsers.find(user => user !== store.userId)
  if (other !== undefined)
    await api.own('PUT', path`/direct/${other}`, { request: true, encryption: 'cleartext' })
}

const goOn = async (api: Api, store: Store, roomId: string, servers: readonly string[]): Promise<void> => {
  const via = new URLSearchParams(servers.slice(0, MAX_VIA).map(server => ['via', server]))
  await api.post(`${path`/join/${roomId}`}?${via}`)
  store.select(roomId)
}

/** Where nobody may come in without being invited there is no way back. */
const leave = (api: Api, store: Store, room: Room): void =>
  ask(words.room.leaveQuestion, [], words.room.leaveButton, async () => {
    await api.post(path`/rooms/${room.id}/leave`)
    return () => store.select(undefined)
  })

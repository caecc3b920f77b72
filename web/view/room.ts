import { type Api, list, path, text } from '../api.ts'
import { acting, h } from '../dom.ts'
import { type Room, roomEvent } from '../room.ts'
import type { Store } from '../store.ts'
import { words } from '../words.ts'
import { ask } from './dialog.ts'
import { roomPicture } from './picture.ts'
import { historyPath, Timeline } from './timeline.ts'

/** For so long others are told that the user types, without another key. */
const TYPING_MS = 10_000

/** Servers that are asked about the room that takes the place of another. */
const MAX_VIA = 5

/** The open room: what it is, what was said, and the line to say something. */
export const roomView = (api: Api, store: Store): HTMLElement => {
  const timeline = new Timeline(api, room => earlier(api, store, room))
  const header = h('header', {})
  const typing = h('p', { class: 'typing', 'aria-live': 'polite' })
  const composer = composerView(api, store)
  const empty = h('p', { class: 'empty' }, words.room.choose)
  const main = h('main', { class: 'room' }, empty)
  let shown = ''
  const reader = new Reader(api)
  store.watch(() => {
    const { room } = store
    document.body.dataset['view'] = room === undefined ? 'list' : 'room'
    if (room === undefined) {
      main.replaceChildren(empty)
      shown = ''
      return
    }
    const facts = JSON.stringify([
      room.id,
      room.nameFor(store.userId),
      room.topic,
      room.joinedCount,
      room.isEncrypted,
      room.successor,
    ])
    if (facts !== shown) {
      header.replaceChildren(...headerParts(api, store, room))
      if (shown === '' || !main.contains(header))
        main.replaceChildren(header, timeline.element, typing, composer.element)
      if (!shown.startsWith(`["${room.id}"`)) composer.open(room)
      shown = facts
    }
    timeline.show(room)
    const others = room.typing.filter(userId => userId !== store.userId).map(userId => room.nameOf(userId))
    typing.textContent = others.length === 0 ? '' : words.room.typing(others)
    reader.read(room)
  })
  document.addEventListener('visibilitychange', () => {
    if (store.room !== undefined) reader.read(store.room)
  })
  return main
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

const earlier = async (api: Api, store: Store, room: Room): Promise<void> => {
  if (room.before === undefined) return
  const page = await api.get(historyPath(room, room.before))
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

const headerParts = (api: Api, store: Store, room: Room): HTMLElement[] => {
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
      { class: 'quiet', onclick: () => invite(api, store, room, isDirect) },
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
  const count = room.joinedCount === undefined ? '' : words.room.people(room.joinedCount)
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
      h('h1', {}, room.nameFor(store.userId)),
      h(
        'small',
        {},
        [room.isEncrypted ? words.room.encrypted : '', count, room.topic].filter(Boolean).join(' · '),
      ),
    ),
    actions,
  ]
}

/** A third person opens a new room, which takes the newest messages along; the chat of the two stays as it is. */
const invite = (api: Api, store: Store, room: Room, isDirect: boolean): void =>
  ask(
    isDirect ? words.room.addTitle : words.room.inviteTitle,
    [
      { name: 'user', label: words.rooms.user, placeholder: '@carol:example.org' },
      ...(isDirect ? [] : [{ name: 'reason', label: words.room.comment, isOptional: true }]),
    ],
    words.room.inviteButton,
    async ({ user = '', reason = '' }) => {
      if (!isDirect)
        return api.post(path`/rooms/${room.id}/invite`, {
          user_id: user,
          ...(reason === '' ? {} : { reason }),
        })
      const { room_id: roomId } = await api.own('POST', path`/direct/${room.id}/extend`, {
        invite: [user],
        history: 50,
      })
      return () => store.select(text(roomId))
    },
  )

const requestAttention = async (api: Api, store: Store, room: Room): Promise<void> => {
  const other = room.directUsers.find(user => user !== store.userId)
  if (other !== undefined) await api.own('PUT', path`/direct/${other}`, { request: true })
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

const composerView = (api: Api, store: Store) => {
  const input = h('textarea', {
    rows: 1,
    'aria-label': words.room.message,
    placeholder: words.room.message,
    enterkeyhint: 'send',
  })
  const form = h('form', { class: 'composer' }, input, h('button', { type: 'submit' }, words.room.send))
  let typedAt = 0
  const tellTyping = (isTyping: boolean): void => {
    const { room } = store
    if (room === undefined || (isTyping && Date.now() - typedAt < TYPING_MS / 2)) return
    typedAt = isTyping ? Date.now() : 0
    void api
      .put(path`/rooms/${room.id}/typing/${store.userId}`, {
        typing: isTyping,
        ...(isTyping ? { timeout: TYPING_MS } : {}),
      })
      .catch(() => undefined)
  }
  let sending = Promise.resolve()
  /** Clears the line at once, so that the next message can be written; a text that was not sent comes back. */
  const send = (): void => {
    const { room } = store
    const body = input.value.trim()
    if (room === undefined || body === '') return
    input.value = ''
    const where = path`/rooms/${room.id}/send/m.room.message/${api.transactionId()}`
    sending = sending.then(() => saying(where, body))
    tellTyping(false)
  }
  const saying = async (where: string, body: string): Promise<void> => {
    form.querySelector('[role=alert]')?.remove()
    try {
      await api.put(where, { msgtype: 'm.text', body })
    } catch (error) {
      form.append(h('p', { role: 'alert' }, error instanceof Error ? error.message : String(error)))
      if (input.value === '') input.value = body
    }
  }
  input.addEventListener('input', () => tellTyping(input.value !== ''))
  input.addEventListener('keydown', event => {
    if (event.key !== 'Enter' || event.shiftKey || event.isComposing) return
    event.preventDefault()
    send()
  })
  form.addEventListener('submit', event => {
    event.preventDefault()
    send()
  })
  return {
    element: form,
    open: (room: Room): void => {
      input.value = ''
      input.disabled = room.isEncrypted
      input.placeholder = room.isEncrypted ? words.room.cannotRead : words.room.message
      if (matchMedia('(min-width: 48rem)').matches) input.focus()
    },
  }
}

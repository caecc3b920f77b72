import { type Api, path, text } from '../api.ts'
import { h, harmless } from '../dom.ts'
import type { Store } from '../store.ts'
import { words } from '../words.ts'
import { ask } from './dialog.ts'
import { roomPicture } from './picture.ts'

/** The list of the rooms that the user is in, and the ways to new ones. */
export const roomsView = (api: Api, store: Store): HTMLElement => {
  const rooms = h('ul', { class: 'rooms' })
  const entries = new Map<
    string,
    { entry: HTMLElement; name: HTMLElement; count: HTMLElement; button: HTMLElement }
  >()
  const entryOf = (roomId: string) => {
    const known = entries.get(roomId)
    const room = store.rooms.get(roomId)
    if (known !== undefined || room === undefined) return known
    const name = h('span', { class: 'name' })
    const count = h('span', { class: 'count', hidden: true })
    const button = h(
      'button',
      { class: 'plain', onclick: () => store.select(roomId) },
      roomPicture(api, room),
      name,
      count,
    )
    const made = { entry: h('li', {}, button), name, count, button }
    entries.set(roomId, made)
    return made
  }
  store.watch(() => {
    const shown = store.joined.flatMap(room => {
      const parts = entryOf(room.id)
      if (parts === undefined) return []
      parts.name.textContent = harmless(room.nameFor(store.userId))
      parts.count.hidden = room.unread === 0
      parts.count.textContent = String(room.unread)
      parts.count.classList.toggle('highlight', room.highlights > 0)
      parts.button.setAttribute('aria-current', String(room.id === store.selected))
      return parts.entry
    })
    if (
      shown.some((entry, index) => rooms.children[index] !== entry) ||
      shown.length !== rooms.children.length
    ) {
      const focused = document.activeElement
      rooms.replaceChildren(...shown)
      if (focused instanceof HTMLElement && rooms.contains(focused)) focused.focus()
    }
  })
  return h(
    'nav',
    { 'aria-label': words.rooms.title },
    h('h2', {}, words.rooms.title),
    rooms,
    h(
      'div',
      { class: 'row' },
      h('button', { class: 'quiet', onclick: () => startChat(api, store) }, words.rooms.chatWith),
      h('button', { class: 'quiet', onclick: () => newRoom(api, store) }, words.rooms.newRoom),
    ),
  )
}

const fullUserId = (name: string, store: Store): string =>
  name.startsWith('@') && name.includes(':')
    ? name
    : `@${name.replace(/^@/, '')}:${store.userId.replace(/^[^:]*:/, '')}`

const startChat = (api: Api, store: Store): void =>
  ask(
    words.rooms.chatTitle,
    [{ name: 'user', label: words.rooms.user, placeholder: '@bob:example.org' }],
    words.rooms.chat,
    async ({ user = '' }) => {
      const { room_id: roomId } = await api.own('PUT', path`/direct/${fullUserId(user, store)}`, {})
      return () => store.select(text(roomId))
    },
  )

const newRoom = (api: Api, store: Store): void =>
  ask(
    words.rooms.newTitle,
    [
      { name: 'name', label: words.rooms.name },
      { name: 'topic', label: words.rooms.topic, isOptional: true },
      { name: 'invite', label: words.rooms.invite, isOptional: true },
    ],
    words.rooms.create,
    async ({ name = '', topic = '', invite = '' }) => {
      const { room_id: roomId } = await api.post('/createRoom', {
        name,
        preset: 'private_chat',
        ...(topic === '' ? {} : { topic }),
        invite: invite
          .split(/\s+/)
          .filter(Boolean)
          .map(user => fullUserId(user, store)),
      })
      return () => store.select(text(roomId))
    },
  )

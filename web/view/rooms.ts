import { type Api, path, text } from '../api.ts'
import { h, harmless } from '../dom.ts'
import type { Store } from '../store.ts'
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
    { 'aria-label': 'Rooms' },
    h('h2', {}, 'Rooms'),
    rooms,
    h(
      'div',
      { class: 'row' },
      h('button', { class: 'quiet', onclick: () => startChat(api, store) }, 'Chat with …'),
      h('button', { class: 'quiet', onclick: () => newRoom(api, store) }, 'New room …'),
    ),
  )
}

const fullUserId = (name: string, store: Store): string =>
  name.startsWith('@') && name.includes(':')
    ? name
    : `@${name.replace(/^@/, '')}:${store.userId.replace(/^[^:]*:/, '')}`

const startChat = (api: Api, store: Store): void =>
  ask(
    'Chat with somebody',
    [{ name: 'user', label: 'User', placeholder: '@bob:example.org' }],
    'Chat',
    async ({ user = '' }) => {
      const { room_id: roomId } = await api.own('PUT', path`/direct/${fullUserId(user, store)}`, {})
      return () => store.select(text(roomId))
    },
  )

const newRoom = (api: Api, store: Store): void =>
  ask(
    'A new room',
    [
      { name: 'name', label: 'Name' },
      { name: 'topic', label: 'Topic', isOptional: true },
      { name: 'invite', label: 'Invite (user IDs, with blanks between them)', isOptional: true },
    ],
    'Create',
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

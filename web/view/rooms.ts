import { type Api, path, text } from '../api.ts'
import { arrange, h } from '../dom.ts'
import type { Store } from '../store.ts'
import { words } from '../words.ts'
import { ask } from './dialog.ts'
import { fullUserId } from './full-user-id.ts'
import { newRoom } from './new-room.ts'
import { roomPicture } from './picture.ts'

/** The list of the rooms that the user is in, and the ways to new ones. */
export const roomsView = (api: Api, store: Store): HTMLElement => {
  const rooms = h('ul', { class: 'rooms' })
  const entries = new Map<
    string,
    { entry: HTMLElement; avatar: unknown; name: HTMLElement; count: HTMLElement; button: HTMLElement }
  >()
  const entryOf = (roomId: string) => {
    const known = entries.get(roomId)
    const room = store.rooms.get(roomId)
    const avatar = room?.state('m.room.avatar')['url']
    if (room === undefined || (known !== undefined && known.avatar === avatar)) return known
    const name = h('span', { class: 'name', dir: 'auto' })
    const count = h('span', { class: 'count', hidden: true })
    const button = h(
      'button',
      { class: 'plain', onclick: () => store.select(roomId) },
      roomPicture(api, room),
      name,
      count,
    )
    const made = { entry: h('li', {}, button), avatar, name, count, button }
    entries.set(roomId, made)
    return made
  }
  let selected: string | undefined
  store.watch(() => {
    const shown = store.joined.flatMap(room => {
      const parts = entryOf(room.id)
      if (parts === undefined) return []
      parts.name.textContent = room.nameFor(store.userId)
      parts.count.hidden = room.unread === 0
      parts.count.textContent = String(room.unread)
      parts.count.classList.toggle('highlight', room.highlights > 0)
      parts.button.setAttribute('aria-current', String(room.id === store.selected))
      return parts.entry
    })
    arrange(rooms, shown)
    // Who goes back to the list is where they were in it.
    if (store.selected === undefined && selected !== undefined) entries.get(selected)?.button.focus()
    selected = store.selected
    for (const roomId of entries.keys()) if (!store.rooms.has(roomId)) entries.delete(roomId)
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

const startChat = (api: Api, store: Store): void =>
  ask(
    words.rooms.chatTitle,
    [{ name: 'user', label: words.rooms.user, placeholder: '@bob:example.org' }],
    words.rooms.chat,
    async ({ user = '' }) => {
      const { room_id: roomId } = await api.own('PUT', path`/direct/${fullUserId(user, store)}`, {
        encryption: 'cleartext',
      })
      return () => store.select(text(roomId))
    },
  )

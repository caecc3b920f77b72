import { type Api, path, text } from '../api.ts'
import { h } from '../dom.ts'
import type { Room } from '../room.ts'

/** Pictures are fetched once for as long as the page is open. */
const known = new Map<string, Promise<string | undefined>>()

const show = (api: Api, where: string): HTMLElement => {
  const image = h('img', { class: 'picture', alt: '' })
  const address = known.get(where) ?? api.picture(where)
  known.set(where, address)
  void address.then(found => {
    if (found !== undefined) image.src = found
  })
  return image
}

const MXC = /^mxc:\/\/([^/]+)\/([A-Za-z0-9_-]+)$/

/** A room's picture: its avatar, or the icon that follows from its ID. */
export const roomPicture = (api: Api, room: Room): HTMLElement => {
  const [, server, id] = MXC.exec(text(room.state('m.room.avatar')['url']) ?? '') ?? []
  return show(
    api,
    server === undefined || id === undefined
      ? path`/_matrix/client/v1/chat.tessera/rooms/${room.id}/icon?size=96`
      : path`/_matrix/client/v1/media/thumbnail/${server}/${id}?width=96&height=96&method=crop`,
  )
}

/** A user's picture. */
export const userPicture = (api: Api, userId: string): HTMLElement =>
  show(api, path`/_matrix/client/v1/chat.tessera/users/${userId}/icon?size=96`)

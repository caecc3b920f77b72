import { type Api, path, text } from '../api.ts'
import { h } from '../dom.ts'
import type { Room } from '../room.ts'

/** Pictures of rooms and users are fetched once for as long as the page is open. */
const known = new Map<string, Promise<string | undefined>>()

const waiting = new WeakMap<Element, () => void>()

const watcher = new IntersectionObserver(
  entries => {
    for (const { isIntersecting, target } of entries) {
      if (!isIntersecting) continue
      watcher.unobserve(target)
      waiting.get(target)?.()
    }
  },
  { rootMargin: '200px' },
)

/** Does something once an element comes before the reader's eyes: what nobody looks at is not fetched. */
export const whenSeen = (element: Element, act: () => void): void => {
  waiting.set(element, act)
  watcher.observe(element)
}

const fetched = (api: Api, where: string): Promise<string | undefined> => {
  const before = known.get(where)
  if (before !== undefined) return before
  const address = api.picture(where).then(found => {
    // The server may have been away.
    if (found === undefined) known.delete(where)
    return found
  })
  known.set(where, address)
  return address
}

const show = (api: Api, where: string): HTMLElement => {
  const image = h('img', { class: 'picture', alt: '' })
  whenSeen(image, () => {
    void fetched(api, where).then(found => {
      if (found !== undefined) image.src = found
    })
  })
  return image
}

const MXC = /^mxc:\/\/([^/]+)\/([A-Za-z0-9_-]+)$/

/** The server and the media ID of an address of media; `undefined` if it is none. */
export const mediaOf = (mxc: unknown): { server: string; id: string } | undefined => {
  const [, server, id] = MXC.exec(text(mxc) ?? '') ?? []
  return server === undefined || id === undefined ? undefined : { server, id }
}

/** A room's picture: its avatar, or the icon that follows from its ID. */
export const roomPicture = (api: Api, room: Room): HTMLElement => {
  const media = mediaOf(room.state('m.room.avatar')['url'])
  return show(
    api,
    media === undefined
      ? path`/_matrix/client/v1/chat.tessera/rooms/${room.id}/icon?size=96`
      : path`/_matrix/client/v1/media/thumbnail/${media.server}/${media.id}?width=96&height=96&method=crop`,
  )
}

/** A user's picture. */
export const userPicture = (api: Api, userId: string): HTMLElement =>
  show(api, path`/_matrix/client/v1/chat.tessera/users/${userId}/icon?size=96`)

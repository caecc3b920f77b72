import { type Api, type Json, path, text } from '../api.ts'
import { acting, h } from '../dom.ts'
import { visible } from '../names.ts'
import { words } from '../words.ts'
import { mediaOf, whenSeen } from './picture.ts'

/** What comes with a message. */
export interface Attachment {
  readonly name: string
  /** What is said about it; `undefined` where that is nothing but its name. */
  readonly caption: string | undefined
  readonly kind: 'picture' | 'audio' | 'video' | 'file'
  readonly server: string
  readonly id: string
}

const KINDS = new Map<string | undefined, Attachment['kind']>([
  ['m.image', 'picture'],
  ['m.audio', 'audio'],
  ['m.video', 'video'],
  ['m.file', 'file'],
])

/** What comes with a message, or is a sticker; `undefined` where nothing does that the page could fetch. */
export const attachmentOf = (type: string, content: Json): Attachment | undefined => {
  const kind = type === 'm.sticker' ? 'picture' : KINDS.get(text(content['msgtype']))
  const media = mediaOf(content['url'])
  if (kind === undefined || media === undefined) return undefined
  const body = visible(content['body'])
  const name = visible(content['filename'])
  return {
    kind,
    ...media,
    name: name ?? body ?? media.id,
    caption: name === undefined || name === body ? undefined : body,
  }
}

/** Shows what comes with a message: a picture at once, all else when the reader asks for it. */
export const attachmentView = (api: Api, attachment: Attachment): HTMLElement => {
  const { kind, name, server, id } = attachment
  const box = h('div', { class: 'attachment' })
  const withMedia = (act: (address: string) => void): void =>
    acting(box, async () => {
      const address = await api.picture(path`/_matrix/client/v1/media/download/${server}/${id}`)
      if (address === undefined) throw new Error(words.media.missing)
      act(address)
    })
  const save = h('button', { class: 'quiet', onclick: () => withMedia(saveAs(name)) }, words.media.save(name))
  if (kind === 'picture') box.append(thumbnail(api, attachment), save)
  else if (kind === 'file') box.append(save)
  else {
    const play = (address: string): void => {
      const player = h(kind, { controls: true, autoplay: true, src: address })
      box.querySelector('.play')?.replaceWith(player)
      player.focus()
    }
    box.append(h('button', { class: 'play', onclick: () => withMedia(play) }, words.media.play(name)), save)
  }
  return box
}

const thumbnail = (api: Api, { name, server, id }: Attachment): HTMLElement => {
  const image = h('img', { alt: name })
  whenSeen(image, () => {
    const where = path`/_matrix/client/v1/media/thumbnail/${server}/${id}?width=640&height=480&method=scale`
    void api.picture(where).then(found => {
      if (found === undefined) return
      image.addEventListener('load', () => URL.revokeObjectURL(found))
      image.src = found
    })
  })
  return image
}

/** Never opened as a page: what others have sent is only ever a file here. */
export const saveAs =
  (name: string) =>
  (address: string): void => {
    h('a', { href: address, download: name }).click()
    setTimeout(() => URL.revokeObjectURL(address), 60_000)
  }

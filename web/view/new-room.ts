import { type Api, text } from '../api.ts'
import { h } from '../dom.ts'
import { MEDIA } from '../room.ts'
import type { Store } from '../store.ts'
import { words } from '../words.ts'
import { ask } from './dialog.ts'
import { fullUserId } from './full-user-id.ts'

const { rooms: say } = words

/**
 * Asks what a new room is to be like, makes it and opens it. It is not encrypted, whatever the server has for new rooms: the
 * page could not read it.
 */
export const newRoom = (api: Api, store: Store): void => {
  const server = store.userId.replace(/^[^:]*:/, '')
  const picture = h('input', { type: 'file', accept: 'image/*' })
  const boxes = MEDIA.map(medium => h('input', { type: 'checkbox', value: medium, checked: true }))
  const media = h(
    'fieldset',
    {},
    h('legend', {}, say.mediaTitle),
    ...MEDIA.map((medium, index) => h('label', {}, boxes[index], ` ${say.media[medium]}`)),
  )
  const upload = onceEach(file => api.upload(file))
  ask(
    say.newTitle,
    [
      { name: 'name', label: say.name },
      { name: 'topic', label: say.topic, isOptional: true },
      { name: 'alias', label: say.alias, placeholder: `#tea:${server}`, isOptional: true },
      { name: 'picture', label: say.picture, input: picture },
      media,
      { name: 'invite', label: say.invite, isOptional: true },
    ],
    say.create,
    async ({ name = '', topic = '', alias = '', invite = '' }) => {
      const file = picture.files?.[0]
      const avatar = file && (await upload(file))
      const { room_id: roomId } = await api.post('/createRoom', {
        name,
        preset: 'private_chat',
        'chat.tessera.encryption': 'cleartext',
        ...(topic === '' ? {} : { topic }),
        ...(alias === '' ? {} : { room_alias_name: localAlias(alias, server) }),
        ...(avatar === undefined ? {} : { 'chat.tessera.avatar_url': avatar }),
        'chat.tessera.media': boxes.filter(({ checked }) => checked).map(({ value }) => value),
        invite: invite
          .split(/\s+/)
          .filter(Boolean)
          .map(user => fullUserId(user, store)),
      })
      return () => store.select(text(roomId))
    },
  )
}

/** What stands between `#` and this server's name, both of which may be left out. */
const localAlias = (alias: string, server: string): string => {
  const bare = alias.replace(/^#/, '')
  return bare.endsWith(`:${server}`) ? bare.slice(0, -server.length - 1) : bare
}

/** The room may be refused, such as for an alias that another has: then a file is there already. */
const onceEach = (upload: (file: File) => Promise<string | undefined>) => {
  const done = new Map<File, string | undefined>()
  return async (file: File): Promise<string | undefined> => {
    if (!done.has(file)) done.set(file, await upload(file))
    return done.get(file)
  }
}

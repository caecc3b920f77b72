/** Direct rooms as their people see them. */
import { eventually } from './eventually.ts'
import type { Person } from './person.ts'
import { syncAs } from './syncing.ts'

type Json = Record<string, unknown>

/** The path of the direct room with somebody; by a room's ID, that below which it has endpoints of its own. */
export const pathOf = (other: string | Person): string =>
  `/_matrix/client/v1/chat.tessera/direct/${encodeURIComponent(typeof other === 'string' ? other : other.userId)}`

/** Where a room is found, below `/_matrix/client/v3`. */
export const roomPath = (roomId: string): string => `/rooms/${encodeURIComponent(roomId)}`

/** The rooms that a person's `m.direct` lists for another. */
export const listed = async (person: Person, other: Person): Promise<unknown> => {
  const path = `/user/${encodeURIComponent(person.userId)}/account_data/m.direct`
  const { status, body } = await person.request('GET', path)
  return status === 200 ? body[other.userId] : undefined
}

/** The rooms that a person is invited to. */
export const invitesOf = async (person: Person): Promise<string[]> => {
  const rooms = (await syncAs(person)).body['rooms'] as { invite?: Record<string, Json> } | undefined
  return Object.keys(rooms?.invite ?? {})
}

/** The rooms that a person is in. */
export const joinedBy = async (person: Person): Promise<string[]> =>
  (await person.get('/joined_rooms'))['joined_rooms'] as string[]

/** Waits until a person finds a text in a room that begins so. */
export const hears = (person: Person, roomId: string, text: string): Promise<void> =>
  eventually(text, async () => {
    const { chunk } = await person.get(`${roomPath(roomId)}/messages?dir=b&limit=20`)
    return (chunk as { content: Json }[]).some(({ content }) =>
      String(content['body'] ?? '').startsWith(text),
    )
  })

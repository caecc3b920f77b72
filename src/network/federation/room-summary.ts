import { isRoomAlias, isRoomId } from '../../core/ids.ts'
import type { JsonObject } from '../../core/json.ts'
import { RECORD_KEY, readFacts, type ToldFacts } from '../../core/room-record.ts'
import { stringsOf } from './shape.ts'

/** A room as directories and space hierarchies show it, under the names that clients get. */
export interface RoomSummary {
  readonly [name: string]: string | number | boolean | readonly string[] | ToldFacts | undefined
  readonly room_id: string
  readonly num_joined_members: number
  readonly world_readable: boolean
  readonly guest_can_join: boolean
  readonly name?: string
  readonly topic?: string
  readonly canonical_alias?: string
  readonly avatar_url?: string
  readonly join_rule?: string
  readonly room_type?: string
  readonly room_version?: string
  readonly encryption?: string
  readonly allowed_room_ids?: readonly string[]
}

const isAnything = (text: string): boolean => text !== ''

/** Which texts a summary may have, and what they have to be: clients drop a whole list for one alias that is none, or empty. */
const OPTIONAL_STRINGS: Readonly<Record<string, (text: string) => boolean>> = {
  name: isAnything,
  topic: isAnything,
  canonical_alias: isRoomAlias,
  avatar_url: url => url.startsWith('mxc://'),
  join_rule: isAnything,
  room_type: isAnything,
  // "MUST NOT exceed 32 codepoints in length. Room versions MUST NOT be empty".
  room_version: version => version !== '' && [...version].length <= 32,
  encryption: isAnything,
}

const MAX_ALLOWED_ROOMS = 1_000

/** Reads a summary; members of the wrong type or form are left out. `undefined` where it is about no room. */
export const parseRoomSummary = (value: JsonObject): RoomSummary | undefined => {
  const { room_id: roomId, num_joined_members: members } = value
  if (typeof roomId !== 'string' || !isRoomId(roomId)) return undefined
  const strings = Object.entries(OPTIONAL_STRINGS).flatMap(([name, isFine]) => {
    const text = value[name]
    return typeof text === 'string' && isFine(text) ? [[name, text] as const] : []
  })
  return {
    ...Object.fromEntries(strings),
    ...(Array.isArray(value['allowed_room_ids'])
      ? { allowed_room_ids: stringsOf(value, 'allowed_room_ids', MAX_ALLOWED_ROOMS, isRoomId) }
      : {}),
    room_id: roomId,
    num_joined_members:
      typeof members === 'number' && Number.isSafeInteger(members) ? Math.max(0, members) : 0,
    ...(value[RECORD_KEY] === undefined ? {} : { [RECORD_KEY]: readFacts(value[RECORD_KEY]) }),
    world_readable: value['world_readable'] === true,
    guest_can_join: value['guest_can_join'] === true,
  }
}

import { directKeyOf } from './direct-rooms.ts'
import { isRoomAlias, isUserId } from './ids.ts'
import { isJsonObject, type JsonValue } from './json.ts'
import { alternativeAliases, type ContentOf, MEDIA_TYPES, mediaTypes } from './room-summary.ts'

/** Under this key summaries, and invitations between servers, carry what Matrix has no words for. */
export const RECORD_KEY = 'chat.tessera.record'

/** What Tessera tells of a room beyond its summary. */
export interface RoomFacts {
  readonly [name: string]: JsonValue
  /** The room's first administrator. */
  readonly creator: string
  /** Milliseconds. */
  readonly created_ts: number
  readonly alt_aliases: readonly string[]
  /** The kinds of media that may be sent. */
  readonly media: readonly string[]
  /** Of the room of two people: their user IDs, sorted by bytes. */
  readonly direct_key?: readonly string[]
}

/** The same as it is told to somebody, with what changes too often to be kept with the rest. */
export interface ToldFacts extends Partial<RoomFacts> {
  readonly [name: string]: JsonValue
  /** Whether the room is in the directory. */
  readonly is_public?: boolean
  readonly joined_members?: number
  readonly invited_members?: number
}

/** Makes the facts from the room's state. */
export const factsOf = (
  content: ContentOf,
  { creator, createdTs }: { readonly creator: string; readonly createdTs: number },
): RoomFacts => {
  const direct = directKeyOf(content('m.room.create') ?? {})
  return {
    creator,
    created_ts: createdTs,
    alt_aliases: alternativeAliases(content),
    media: mediaTypes(content),
    ...(direct === undefined ? {} : { direct_key: [direct.pair.low, direct.pair.high] }),
  }
}

const MAX_ALIASES = 50

/** Reads what another server tells; what is not of the right shape is as good as absent. */
export const readFacts = (value: JsonValue | undefined): ToldFacts => {
  const told = isJsonObject(value) ? value : {}
  const { creator, alt_aliases: aliases, media, direct_key: key, is_public: isPublic } = told
  const facts = {
    creator: isUserIdText(creator) ? creator : undefined,
    created_ts: count(told['created_ts']),
    alt_aliases: Array.isArray(aliases)
      ? aliases.filter(alias => typeof alias === 'string' && isRoomAlias(alias)).slice(0, MAX_ALIASES)
      : undefined,
    media: Array.isArray(media) ? MEDIA_TYPES.filter(type => media.includes(type)) : undefined,
    direct_key: Array.isArray(key) && key.length === 2 && key.every(isUserIdText) ? key : undefined,
    is_public: typeof isPublic === 'boolean' ? isPublic : undefined,
    joined_members: count(told['joined_members']),
    invited_members: count(told['invited_members']),
  }
  return Object.fromEntries(
    Object.entries(facts).flatMap(([name, fact]) => (fact === undefined ? [] : [[name, fact]])),
  )
}

const isUserIdText = (value: JsonValue | undefined): value is string =>
  typeof value === 'string' && isUserId(value)

const count = (value: JsonValue | undefined): number | undefined =>
  typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 ? value : undefined

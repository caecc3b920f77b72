import { isRoomAlias, isRoomId } from './ids.ts'
import { isJsonObject, type JsonObject, type JsonValue } from './json.ts'
import type { RoomVersion } from './room-versions.ts'

/** What a room allows to be sent, of our own (`chat.tessera.room.media`); all four where a room does not say. */
export const MEDIA_TYPES = ['text', 'audio', 'video', 'screenshare'] as const

/** The state (with the empty state key) that a summary is made of. */
export const SUMMARY_TYPES = [
  'm.room.create',
  'm.room.name',
  'm.room.topic',
  'm.room.avatar',
  'm.room.canonical_alias',
  'm.room.join_rules',
  'm.room.history_visibility',
  'm.room.guest_access',
  'm.room.encryption',
  'chat.tessera.room.media',
] as const

export type SummaryType = (typeof SUMMARY_TYPES)[number]

/** What rooms are shown by, under the names of the client-server API's `RoomSummary`; what is not set is absent. */
export interface RoomSummary {
  readonly [name: string]: JsonValue | undefined
  readonly name?: string
  /** Plain text. */
  readonly topic?: string
  readonly avatar_url?: string
  readonly canonical_alias?: string
  /** Always there: "when not present, the room is assumed to be public". */
  readonly join_rule: string
  /** The rooms whose members may join a restricted room. */
  readonly allowed_room_ids?: readonly string[]
  readonly world_readable: boolean
  readonly guest_can_join: boolean
  readonly room_type?: string
  /** The algorithm. */
  readonly encryption?: string
  readonly room_version: string
}

/** The further names of a room (`alt_aliases`). */
export const alternativeAliases = (content: ContentOf): string[] => {
  const { alt_aliases: others } = content('m.room.canonical_alias') ?? {}
  return Array.isArray(others) ? others.filter(alias => typeof alias === 'string' && isRoomAlias(alias)) : []
}

/** The kinds of media that a room allows. */
export const mediaTypes = (content: ContentOf): string[] => {
  const types = content('chat.tessera.room.media')?.['types']
  if (!Array.isArray(types)) return [...MEDIA_TYPES]
  return MEDIA_TYPES.filter(type => types.includes(type))
}

/** Reads the content of a state event (after redaction) by type; `undefined` where the room has none. */
export type ContentOf = (type: SummaryType) => JsonObject | undefined

const text = (value: JsonValue | undefined): string | undefined =>
  typeof value === 'string' && value !== '' ? value : undefined

/** Makes the summary of a room from its state. Members of a wrong type are as good as absent. */
export const summarise = (content: ContentOf, version: Pick<RoomVersion, 'id' | 'auth'>): RoomSummary => {
  const alias = text(content('m.room.canonical_alias')?.['alias'])
  const avatar = text(content('m.room.avatar')?.['url'])
  const rules = content('m.room.join_rules')
  const joinRule = text(rules?.['join_rule']) ?? 'invite'
  const optional = {
    name: text(content('m.room.name')?.['name']),
    topic: topicOf(content('m.room.topic')),
    avatar_url: avatar?.startsWith('mxc://') ? avatar : undefined,
    canonical_alias: alias !== undefined && isRoomAlias(alias) ? alias : undefined,
    allowed_room_ids: allowedRooms(joinRule, rules, version),
    room_type: text(content('m.room.create')?.['type']),
    encryption: text(content('m.room.encryption')?.['algorithm']),
  }
  return {
    ...withoutUndefined(optional),
    join_rule: joinRule,
    world_readable: content('m.room.history_visibility')?.['history_visibility'] === 'world_readable',
    guest_can_join: content('m.room.guest_access')?.['guest_access'] === 'can_join',
    room_version: version.id,
  }
}

const withoutUndefined = (object: Readonly<Record<string, JsonValue | undefined>>): JsonObject =>
  Object.fromEntries(Object.entries(object).filter(([, value]) => value !== undefined))

/** "The plain text topic of the room. Omitted if no text/plain mimetype exists in m.room.topic." */
const topicOf = (content: JsonObject | undefined): string | undefined => {
  const block = content?.['m.topic']
  const representations = isJsonObject(block) ? block['m.text'] : undefined
  if (!Array.isArray(representations)) return text(content?.['topic'])
  const plain = representations.find(
    part => isJsonObject(part) && (part['mimetype'] === undefined || part['mimetype'] === 'text/plain'),
  )
  return isJsonObject(plain) ? text(plain['body']) : undefined
}

const allowedRooms = (
  joinRule: string,
  rules: JsonObject | undefined,
  { auth }: Pick<RoomVersion, 'auth'>,
): string[] | undefined => {
  const restricts =
    (joinRule === 'restricted' && auth.restricted) ||
    (joinRule === 'knock_restricted' && auth.knockRestricted)
  const allow = rules?.['allow']
  if (!restricts || !Array.isArray(allow)) return undefined
  return allow.flatMap(condition =>
    isJsonObject(condition) &&
    condition['type'] === 'm.room_membership' &&
    typeof condition['room_id'] === 'string' &&
    isRoomId(condition['room_id'])
      ? condition['room_id']
      : [],
  )
}

/** Whether anybody may join or read the room, so that its members are no secret. */
export const isOpen = (summary: Pick<RoomSummary, 'join_rule' | 'world_readable'>): boolean =>
  summary.join_rule === 'public' || summary.world_readable

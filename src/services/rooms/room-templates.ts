import { MatrixError } from '../../core/errors.ts'
import { isUserId } from '../../core/ids.ts'
import { isJsonObject, type JsonObject, type JsonValue } from '../../core/json.ts'
import { checkMediaContent, checkMediaTypes, MEDIA_STATE } from '../../core/media-policy.ts'
import type { RoomVersion } from '../../core/room-versions.ts'

/** What `createRoom` is asked for; the standard request's fields in our names, with Tessera's own. */
export interface NewRoom {
  readonly creator: string
  readonly version: RoomVersion
  /** Whether it is by the wish of the client, which then knows what may stand in such a room. */
  readonly isVersionWished?: boolean | undefined
  readonly isPublic: boolean
  readonly preset?: 'private_chat' | 'public_chat' | 'trusted_private_chat' | undefined
  readonly alias?: string | undefined
  readonly name?: string | undefined
  readonly topic?: string | undefined
  readonly invite: readonly string[]
  readonly creationContent: JsonObject
  readonly initialState: readonly InitialState[]
  readonly powerLevelOverride: JsonObject
  /** What the operator wants in place of the usual levels; its `events` are added to the usual ones. */
  readonly powerLevelDefaults?: JsonObject | undefined
  /** `chat.tessera.avatar_url` */
  readonly avatarUrl?: string | undefined
  /** `chat.tessera.encryption`: an algorithm, or `cleartext`. */
  readonly encryption?: string | undefined
  /** `chat.tessera.media` */
  readonly media?: readonly string[] | undefined
}

export interface InitialState {
  readonly type: string
  readonly stateKey: string
  readonly content: JsonObject
}

const PRESETS = {
  private_chat: { joinRule: 'invite', guestAccess: 'can_join' },
  trusted_private_chat: { joinRule: 'invite', guestAccess: 'can_join' },
  public_chat: { joinRule: 'public', guestAccess: 'forbidden' },
} as const

export type Preset = keyof typeof PRESETS

/** The preset that a room is made by: the one that was asked for, or the one that goes with its visibility. */
export const presetOf = (room: NewRoom): Preset =>
  room.preset ?? (room.isPublic ? 'public_chat' : 'private_chat')

/** The content of the create event: the client's own keys, with those that the server decides on top. */
export const createContent = (room: NewRoom): JsonObject => {
  const { version, creationContent } = room
  const given = { ...creationContent }
  delete (given as Record<string, JsonValue | undefined>)['creator']
  const additional = version.auth.privilegedCreators ? additionalCreators(room) : []
  return {
    ...given,
    room_version: version.id,
    ...(version.auth.creatorIsSender ? {} : { creator: room.creator }),
    ...(additional.length === 0 ? {} : { additional_creators: additional }),
  }
}

const additionalCreators = (room: NewRoom): string[] => {
  const trusted = presetOf(room) === 'trusted_private_chat' ? room.invite : []
  const asked = room.creationContent['additional_creators'] ?? []
  if (!Array.isArray(asked) || !asked.every(userId => typeof userId === 'string' && isUserId(userId))) {
    throw new MatrixError('M_INVALID_PARAM', 'additional_creators must be a list of user IDs')
  }
  return [...new Set([...(asked as string[]), ...trusted])].filter(userId => userId !== room.creator)
}

/**
 * Power levels of a new room: the operator's defaults, with the client's override on top (a shallow one, as specified). "If the room's version is 12 or
 * higher, the power level for sending `m.room.tombstone` events MUST explicitly be higher than `state_default`": also where the
 * client gives levels for other events.
 */
export const powerLevelsContent = (room: NewRoom): JsonObject => {
  const { version, creator, invite } = room
  const privileged = version.auth.privilegedCreators
  const trusted = presetOf(room) === 'trusted_private_chat' && !privileged ? invite : []
  const { events: defaultEvents, ...defaults } = room.powerLevelDefaults ?? {}
  const given = room.powerLevelOverride['state_default'] ?? defaults['state_default']
  const stateDefault = typeof given === 'number' ? given : 50
  const tombstone = privileged ? Math.max(150, stateDefault + 50) : 100
  const otherEvents = room.powerLevelOverride['events']
  const users = privileged ? {} : Object.fromEntries([creator, ...trusted].map(userId => [userId, 100]))
  return {
    users,
    users_default: 0,
    events: {
      'm.room.name': 50,
      'm.room.power_levels': 100,
      'm.room.history_visibility': 100,
      'm.room.canonical_alias': 50,
      'm.room.avatar': 50,
      'm.room.topic': 50,
      [MEDIA_STATE]: 50,
      'm.room.tombstone': tombstone,
      'm.room.server_acl': 100,
      'm.room.encryption': 100,
      ...(isJsonObject(defaultEvents) ? defaultEvents : {}),
    },
    events_default: 0,
    state_default: 50,
    ban: 50,
    kick: 50,
    redact: 50,
    invite: 0,
    historical: 100,
    ...defaults,
    ...withoutCreators(room, room.powerLevelOverride),
    ...(privileged && isJsonObject(otherEvents)
      ? { events: { 'm.room.tombstone': tombstone, ...otherEvents } }
      : {}),
  }
}

/**
 * Power levels as a client gives them, without those who have all power since version 12, and may not be listed: clients that name no
 * version often know only older ones, and list whoever makes the room.
 */
const withoutCreators = (room: NewRoom, levels: JsonObject): JsonObject => {
  const { users } = levels
  const mayKnowOnlyOlder = room.version.auth.privilegedCreators && room.isVersionWished !== true
  if (!mayKnowOnlyOlder || !isJsonObject(users)) return levels
  const creators = new Set([room.creator, ...additionalCreators(room)])
  const others = Object.entries(users).filter(([userId]) => !creators.has(userId))
  return { ...levels, users: Object.fromEntries(others) }
}

/**
 * The state events after create, the creator's membership and the power levels, in the order that the specification
 * gives: alias, preset, initial state, then name, topic and ours. What stands later replaces what stands before.
 */
export const initialStateEvents = (room: NewRoom): InitialState[] => {
  const preset = PRESETS[presetOf(room)]
  const event = (type: string, content: JsonObject): InitialState => ({ type, stateKey: '', content })
  const events = new Map<string, InitialState>()
  const add = (state: InitialState): void => {
    events.delete(`${state.type}\n${state.stateKey}`)
    events.set(`${state.type}\n${state.stateKey}`, state)
  }
  if (room.alias !== undefined) add(event('m.room.canonical_alias', { alias: room.alias }))
  add(event('m.room.join_rules', { join_rule: preset.joinRule }))
  add(event('m.room.history_visibility', { history_visibility: 'shared' }))
  add(event('m.room.guest_access', { guest_access: preset.guestAccess }))
  for (const state of room.initialState) {
    const isLevels = state.type === 'm.room.power_levels' && state.stateKey === ''
    add(isLevels ? { ...state, content: withoutCreators(room, state.content) } : state)
  }
  if (room.name !== undefined) add(event('m.room.name', { name: room.name }))
  if (room.topic !== undefined) add(event('m.room.topic', topicContent(room.topic)))
  if (room.avatarUrl !== undefined) add(event('m.room.avatar', { url: room.avatarUrl }))
  if (room.encryption !== undefined && room.encryption !== 'cleartext') {
    add(event('m.room.encryption', { algorithm: room.encryption }))
  }
  if (room.media !== undefined) add(event(MEDIA_STATE, { types: [...room.media] }))
  return [...events.values()]
}

/** A plain-text topic, in the old member and in the extensible one. */
export const topicContent = (topic: string): JsonObject => ({
  topic,
  'm.topic': { 'm.text': [{ body: topic, mimetype: 'text/plain' }] },
})

/** Checks the fields that are ours; throws `M_INVALID_PARAM`. */
export const checkTesseraFields = (
  room: Pick<NewRoom, 'avatarUrl' | 'encryption' | 'media' | 'initialState'>,
): void => {
  if (room.avatarUrl !== undefined && !room.avatarUrl.startsWith('mxc://')) {
    throw new MatrixError('M_INVALID_PARAM', 'chat.tessera.avatar_url must be an mxc:// URI')
  }
  if (room.encryption === '')
    throw new MatrixError('M_INVALID_PARAM', 'chat.tessera.encryption must be an algorithm, or cleartext')
  checkMediaTypes(room.media ?? [], 'chat.tessera.media')
  for (const { type, content } of room.initialState) {
    if (type === MEDIA_STATE) checkMediaContent(content)
    // What is asked before somebody is invited would not be asked, nor would their server.
    if (type === 'm.room.member' && content['membership'] === 'invite')
      throw new MatrixError('M_INVALID_ROOM_STATE', 'People are invited by `invite`, not by initial_state')
  }
}

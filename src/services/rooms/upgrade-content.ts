import { levelTable, type PowerLevel, readLevel } from '../../core/auth/power-levels.ts'
import { checkStrictNumbers } from '../../core/canonical-json.ts'
import { directContent, directKeyOf, nextGeneration } from '../../core/direct-rooms.ts'
import { isJsonObject, type JsonObject, type JsonValue } from '../../core/json.ts'
import { MEDIA_STATE } from '../../core/media-policy.ts'
import { mediaTypes } from '../../core/room-summary.ts'
import type { RoomVersion } from '../../core/room-versions.ts'
import type { StoredEvent } from '../../storage/rooms/events.ts'
import type { EventTemplate } from './local-event.ts'
import type { RoomHead } from './room-head.ts'
import { contentShown } from './room-summary.ts'
import type { InitialState } from './room-templates.ts'

/** State that a replacement takes over as it is; of spaces also what is in them. */
export const TRANSFERRED_TYPES = [
  'm.room.server_acl',
  'm.room.encryption',
  'm.room.name',
  'm.room.avatar',
  'm.room.topic',
  'm.room.guest_access',
  'm.room.history_visibility',
  'm.room.join_rules',
  MEDIA_STATE,
] as const

/** What is in a space. */
export const CHILD = 'm.space.child'

/** What holds where a room does not say; the replacement says it, so that no preset fills it in differently. */
const DEFAULTS: readonly InitialState[] = [
  { type: 'm.room.guest_access', stateKey: '', content: { guest_access: 'forbidden' } },
  { type: 'm.room.history_visibility', stateKey: '', content: { history_visibility: 'shared' } },
  { type: 'm.room.join_rules', stateKey: '', content: { join_rule: 'invite' } },
]

/** The state of a replacement room, from the transferable state of the old one. */
export const transferredState = (old: readonly InitialState[], version: RoomVersion): InitialState[] => {
  const byType = new Map(DEFAULTS.map(state => [`${state.type} ${state.stateKey}`, state]))
  for (const state of old) {
    const usable = state.type !== 'm.room.join_rules' || knowsJoinRule(state.content['join_rule'], version)
    if (usable)
      byType.set(`${state.type} ${state.stateKey}`, state.type === MEDIA_STATE ? readable(state) : state)
  }
  return [...byType.values()].map(state => ({ ...state, content: acceptable(state.content, version) }))
}

/** Rooms of before version 6 have numbers of which later ones know nothing, such as `1.5`: they come over as whole ones. */
const acceptable = (content: JsonObject, { format }: RoomVersion): JsonObject =>
  format.strictCanonicalJson && !checkStrictNumbers(content)
    ? (inWholeNumbers(content) as JsonObject)
    : content

const inWholeNumbers = (value: JsonValue): JsonValue => {
  if (typeof value === 'number') return wholeNumber(value)
  if (typeof value !== 'object' || value === null) return value
  if (!isJsonObject(value)) return value.map(inWholeNumbers)
  return Object.fromEntries(
    Object.entries(value).flatMap(([key, member]) =>
      member === undefined ? [] : [[key, inWholeNumbers(member)]],
    ),
  )
}

const wholeNumber = (value: number): number =>
  Math.min(Math.max(Math.trunc(value), Number.MIN_SAFE_INTEGER), Number.MAX_SAFE_INTEGER)

/** What another server has set may be anything; what it comes to is said in our own words. */
const readable = (state: InitialState): InitialState => ({
  ...state,
  content: { types: mediaTypes(() => state.content) },
})

/** A rule that the new version does not know would keep everybody out in words that nobody understands. */
const knowsJoinRule = (rule: JsonValue | undefined, { auth }: RoomVersion): boolean => {
  switch (rule) {
    case 'public':
    case 'invite':
    case 'private':
      return true
    case 'knock':
      return auth.knock
    case 'restricted':
      return auth.restricted
    case 'knock_restricted':
      return auth.knockRestricted
    default:
      return false
  }
}

/** The power levels of a replacement: at first, so that its maker can set everything up, and in the end. */
export interface TransferredPower {
  readonly first: JsonObject
  /** Absent where the first are right already. */
  readonly final?: JsonObject
}

/**
 * Power levels for a replacement room.
 *
 * @param old content of the old room's power levels.
 * @param creators who has all power in the replacement, if its version knows that: they may not be listed.
 * @param former who had their power in the old room by having created it, not by being listed.
 */
export const transferredPower = (
  old: JsonObject,
  {
    version,
    maker,
    creators,
    former,
  }: {
    version: RoomVersion
    maker: string
    creators: readonly string[]
    former: readonly string[]
  },
): TransferredPower => {
  const levels = (name: string): Record<string, number> =>
    Object.fromEntries(Object.entries(levelTable(old, name)).map(([key, value]) => [key, level(value, 0)]))
  const stateDefault = level(old['state_default'], 50)
  const events = levels('events')
  const users = levels('users')
  if (version.auth.privilegedCreators) {
    for (const creator of creators) delete users[creator]
    // "The power level for sending m.room.tombstone events MUST explicitly be higher than state_default."
    if ((events['m.room.tombstone'] ?? 0) <= stateDefault)
      events['m.room.tombstone'] = wholeNumber(Math.max(150, stateDefault + 1))
  } else {
    const top = Math.max(100, ...Object.values(events), ...Object.values(users))
    for (const creator of former) users[creator] = top
  }
  const final: JsonObject = {
    ...acceptable(old, version),
    users,
    events,
    users_default: level(old['users_default'], 0),
    events_default: level(old['events_default'], 0),
    state_default: stateDefault,
    ban: level(old['ban'], 50),
    kick: level(old['kick'], 50),
    redact: level(old['redact'], 50),
    invite: level(old['invite'], 0),
    notifications: { room: level(levelTable(old, 'notifications')['room'], 50) },
  }
  if (version.auth.privilegedCreators) return { first: final }
  // Above everybody, so that bans carry over, whoever they hit.
  const others = { ban: final['ban'], kick: final['kick'], redact: final['redact'], invite: final['invite'] }
  const all = [...Object.values(events), ...Object.values(users), ...Object.values(others)].map(Number)
  const top = Math.max(100, stateDefault, ...all)
  const first = { ...final, users: { [maker]: top } }
  return Object.keys(users).length === 1 && users[maker] === top ? { first } : { first, final }
}

/** Levels of old versions may be texts or broken numbers; the replacement gets what they meant. */
const level = (value: JsonValue | undefined, otherwise: number): number => {
  const read = typeof value === 'string' ? Number.parseInt(value, 10) : value
  return typeof read === 'number' && Number.isFinite(read) ? wholeNumber(read) : otherwise
}

/**
 * Power levels that leave an old room to be read, or `undefined` if they do already, or whoever closes the room may not raise them
 * so far.
 *
 * @param own the level of who closes it
 */
export const closedPower = (
  old: JsonObject,
  version: RoomVersion,
  own: PowerLevel,
): JsonObject | undefined => {
  const least = Math.max(50, (readLevel(old['users_default'], version) ?? 0) + 1)
  const events = Math.max(least, readLevel(old['events_default'], version) ?? 0)
  const invite = Math.max(least, readLevel(old['invite'], version) ?? 0)
  if (events === old['events_default'] && invite === old['invite']) return undefined
  if (least > Math.min(own, Number.MAX_SAFE_INTEGER)) return undefined
  return { ...old, events_default: events, invite }
}

/** A ban of the old room, as the one who replaces it says it again in the new one. */
export const banOf = (stored: StoredEvent, sender: string): EventTemplate => {
  const { reason } = contentShown(stored)
  const content = { membership: 'ban', ...(typeof reason === 'string' ? { reason } : {}) }
  return { type: 'm.room.member', sender, stateKey: stored.event.stateKey ?? '', content }
}

/**
 * What the replacement's create event takes from the old one. The room of two people stays theirs if one of them replaces it; by the
 * generation, other servers know which is the later one.
 */
export const creationContent = (head: RoomHead, old: JsonObject, maker: string): JsonObject => {
  const { type, 'm.federate': federate } = old
  const last = head.extremities[0]?.eventId
  const direct = directKeyOf(old)
  const isMakers = direct !== undefined && (direct.pair.low === maker || direct.pair.high === maker)
  return {
    ...(typeof type === 'string' ? { type } : {}),
    ...(typeof federate === 'boolean' ? { 'm.federate': federate } : {}),
    ...(isMakers ? directContent(direct.pair, nextGeneration(direct.generation)) : {}),
    predecessor: { room_id: head.room.roomId, ...(last === undefined ? {} : { event_id: last }) },
  }
}

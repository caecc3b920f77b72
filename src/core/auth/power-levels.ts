import type { RoomEvent } from '../event/event.ts'
import { isJsonObject, type JsonObject, type JsonValue, ownMember } from '../json.ts'
import type { RoomVersion } from '../room-versions.ts'

/**
 * A power level is a number to compare with. Room creators have `Infinity` since v12, which no content can hold: it
 * is for comparisons only and must never be serialised (JSON would make it `null`).
 */
export type PowerLevel = number

/** "The power level of room creators is infinitely high" (v12): equal among creators, above every integer. */
export const CREATOR_POWER_LEVEL: PowerLevel = Number.POSITIVE_INFINITY

/** The state that power levels follow from. */
export interface PowerLevelState {
  /** The `m.room.power_levels` event in the state, if any. */
  readonly powerLevels: Pick<RoomEvent, 'content'> | undefined
  readonly create: Pick<RoomEvent, 'sender' | 'content'> | undefined
  readonly version: RoomVersion
}

/** The levels that are named for an action, with what holds where nothing is said (m.room.power_levels). */
const ACTION_DEFAULTS = { ban: 50, kick: 50, redact: 50, invite: 0 } as const
export type PowerLevelAction = keyof typeof ACTION_DEFAULTS

const STRING_LEVEL = /^\s*[+-]?[0-9]+\s*$/

/**
 * Reads one value of a power levels event by the rules of the room version. `undefined` is "not a level".
 *
 * Since v10 a level is an integer. Before, a string that holds a decimal integer counts too (with a sign, leading
 * zeroes and surrounding whitespace), and so does a float, cut off at the point; "Infinity and NaN" are no levels.
 * (From v6 on, canonical JSON keeps floats out before anything is read here.)
 */
export const readLevel = (value: JsonValue | undefined, version: RoomVersion): PowerLevel | undefined => {
  if (typeof value === 'number') {
    if (Number.isSafeInteger(value)) return value
    return version.auth.integerPowerLevels || !Number.isFinite(value) ? undefined : Math.trunc(value)
  }
  if (typeof value !== 'string' || version.auth.integerPowerLevels || !STRING_LEVEL.test(value))
    return undefined
  const level = Number(value)
  // "The allowed range for power level values is [-(2**53)+1, (2**53)-1]."
  return Number.isSafeInteger(level) ? level : undefined
}

/** A member of `content` that is an object, with own members only; anything else reads as empty. */
export const levelTable = (content: JsonObject | undefined, name: string): JsonObject => {
  const table = content?.[name]
  return isJsonObject(table) ? table : {}
}

/**
 * Who created the room, for the purposes of power: since v12 the sender of the create event and its
 * `additional_creators`; since v11 the sender; before, `content.creator`.
 */
export const roomCreators = (create: PowerLevelState['create'], version: RoomVersion): string[] => {
  if (create === undefined) return []
  const named = create.content['creator']
  if (!version.auth.creatorIsSender) return typeof named === 'string' ? [named] : []
  const additional = create.content['additional_creators']
  if (!version.auth.privilegedCreators || !Array.isArray(additional)) return [create.sender]
  return [create.sender, ...additional.filter((userId: unknown) => typeof userId === 'string')]
}

/** The power level of a user: creators (v12), `users`, `users_default`, or what holds without power levels. */
export const powerLevelOf = (userId: string, state: PowerLevelState): PowerLevel => {
  const { powerLevels, create, version } = state
  if (version.auth.privilegedCreators && roomCreators(create, version).includes(userId)) {
    return CREATOR_POWER_LEVEL
  }
  if (powerLevels === undefined) {
    // "If the room contains no power levels event, the creator has 100, and all other users have 0."
    return roomCreators(create, version).includes(userId) ? 100 : 0
  }
  const own = readLevel(ownMember(levelTable(powerLevels.content, 'users'), userId), version)
  return own ?? readLevel(powerLevels.content['users_default'], version) ?? 0
}

/**
 * The levels that a room without power levels is to be given first: "the creator has 100", and keeps it so; where it is not theirs anyway
 * (v12).
 */
export const impliedLevels = ({ create, version }: Omit<PowerLevelState, 'powerLevels'>): JsonObject => ({
  users: version.auth.privilegedCreators
    ? {}
    : Object.fromEntries(roomCreators(create, version).map(creator => [creator, 100])),
})

/** The required power level of an event type: `events`, then `state_default` (50) or `events_default` (0). */
export const levelToSend = (type: string, isState: boolean, state: PowerLevelState): PowerLevel => {
  const content = state.powerLevels?.content
  const named = readLevel(ownMember(levelTable(content, 'events'), type), state.version)
  if (named !== undefined) return named
  const byKind = readLevel(content?.[isState ? 'state_default' : 'events_default'], state.version)
  return byKind ?? (isState ? 50 : 0)
}

/** The ban, kick and redact levels (50 where nothing is said) and the invite level (0). */
export const levelTo = (action: PowerLevelAction, state: PowerLevelState): PowerLevel =>
  readLevel(state.powerLevels?.content[action], state.version) ?? ACTION_DEFAULTS[action]

/** The level to trigger a notification such as `room` (for `@room`): 50 where nothing is said. */
export const levelToNotify = (key: string, state: PowerLevelState): PowerLevel =>
  readLevel(ownMember(levelTable(state.powerLevels?.content, 'notifications'), key), state.version) ?? 50

import type { RoomEvent, Verdict } from '../../event/event.ts'
import { isUserId } from '../../ids.ts'
import { isJsonObject, type JsonObject, ownMember } from '../../json.ts'
import type { RoomVersion } from '../../room-versions.ts'
import { levelTable, type PowerLevel, readLevel, roomCreators } from '../power-levels.ts'
import { refuse } from '../refusal.ts'
import { power, type RoomView } from '../room-view.ts'

/** The levels that stand in the content by themselves; the others are in tables. */
export const NAMED_LEVELS: readonly string[] = [
  'users_default',
  'events_default',
  'state_default',
  'ban',
  'redact',
  'kick',
  'invite',
]

/** "If type is `m.room.power_levels`": first what it is, then what it changes. */
export const powerLevelsRule = (event: RoomEvent, room: RoomView): Verdict => {
  const malformed = checkFormat(event.content, event.version) ?? checkUsers(event.content, event.version)
  if (malformed) return malformed
  // Since v12: "If users contains the sender of the create event or any of the additional_creators, reject."
  if (event.version.auth.privilegedCreators) {
    const users = levelTable(event.content, 'users')
    const listed = roomCreators(room.create, event.version).find(creator => Object.hasOwn(users, creator))
    if (listed !== undefined) {
      return refuse(
        'power_levels.creator',
        `${listed} created the room and has no level in its power levels.`,
      )
    }
  }
  // "If there is no previous m.room.power_levels event in the room, allow."
  const current = room.powers.powerLevels?.content
  if (current === undefined) return undefined
  return checkChanges(current, event, power(event.sender, room))
}

/** Since v10: the named levels, `events` and `notifications` must be integers. */
const checkFormat = (content: JsonObject, version: RoomVersion): Verdict => {
  if (!version.auth.integerPowerLevels) return undefined
  // "If any of the properties users_default, … are present and not an integer, reject."
  for (const name of NAMED_LEVELS) {
    if (content[name] !== undefined && readLevel(content[name], version) === undefined) {
      return refuse('power_levels.integer', `The power level ${name} is not an integer.`)
    }
  }
  // "If events or notifications are present and not an object with values that are integers, reject."
  for (const name of ['events', 'notifications']) {
    const table = content[name]
    if (table !== undefined && !isTableOfLevels(table, version)) {
      return refuse('power_levels.integer', `The power levels under ${name} are not integers.`)
    }
  }
  return undefined
}

const isTableOfLevels = (table: unknown, version: RoomVersion): table is JsonObject =>
  isJsonObject(table) && Object.values(table).every(value => readLevel(value, version) !== undefined)

/** "If users is not an object with keys that are valid user IDs with values that are levels, reject." */
const checkUsers = (content: JsonObject, version: RoomVersion): Verdict => {
  const users = content['users']
  if (users === undefined) return undefined
  if (isTableOfLevels(users, version) && Object.keys(users).every(isUserId)) return undefined
  return refuse('power_levels.users', 'The power levels of users are not user IDs with levels.')
}

/** One level that differs between the current power levels and the new ones; `undefined` is "not there". */
interface Alteration {
  /** What people call it: `ban`, `events.m.room.name`, `users.@alice:example.org`. */
  readonly name: string
  readonly from: PowerLevel | undefined
  readonly to: PowerLevel | undefined
  /** "The current value is greater than or equal to the sender's level" refuses, where others refuse only greater. */
  readonly equalRefuses: boolean
}

const checkChanges = (current: JsonObject, event: RoomEvent, level: PowerLevel): Verdict => {
  for (const alteration of alterations(current, event)) {
    if ('rule' in alteration) return alteration
    const { name, from, to, equalRefuses } = alteration
    // "If the current value is greater than the sender's current power level, reject."
    if (from !== undefined && (from > level || (equalRefuses && from === level))) {
      return refuse(
        'power_levels.current',
        `${event.sender} may not change ${name}, which stands at ${from}.`,
      )
    }
    // "If the new value is greater than the sender's current power level, reject."
    if (to !== undefined && to > level) {
      return refuse(
        'power_levels.new',
        `${event.sender} may not raise ${name} to ${to}, above their own level.`,
      )
    }
  }
  return undefined
}

/** Every level that was "added, changed or removed", or the refusal of one that cannot be read as a level. */
function* alterations(current: JsonObject, event: RoomEvent): Generator<Alteration | NonNullable<Verdict>> {
  const { content, sender, version } = event
  yield* tableAlterations('', NAMED_LEVELS, current, content, version, () => false)
  // Since v6 `notifications` as well as `events`.
  for (const name of version.auth.checkNotificationLevels ? ['events', 'notifications'] : ['events']) {
    const [from, to] = [levelTable(current, name), levelTable(content, name)]
    yield* tableAlterations(`${name}.`, keysOf(from, to), from, to, version, () => false)
  }
  // "other than the sender's own entry": that one may be given up at any height.
  const [from, to] = [levelTable(current, 'users'), levelTable(content, 'users')]
  yield* tableAlterations('users.', keysOf(from, to), from, to, version, userId => userId !== sender)
}

const keysOf = (a: JsonObject, b: JsonObject): Set<string> => new Set([...Object.keys(a), ...Object.keys(b)])

function* tableAlterations(
  prefix: string,
  names: Iterable<string>,
  current: JsonObject,
  next: JsonObject,
  version: RoomVersion,
  equalRefuses: (name: string) => boolean,
): Generator<Alteration | NonNullable<Verdict>> {
  for (const name of names) {
    // What stands there already and is no level (possible before v10) counts as nothing, and may be mended.
    const [before, after] = [ownMember(current, name), ownMember(next, name)]
    const [from, to] = [readLevel(before, version), readLevel(after, version)]
    if (after !== undefined && to === undefined && before !== after) {
      yield refuse('power_levels.unreadable', `The new value of ${prefix}${name} is not a power level.`)
    }
    if (from !== to) yield { name: `${prefix}${name}`, from, to, equalRefuses: equalRefuses(name) }
  }
}

import { levelTable } from '../../core/auth/power-levels.ts'
import { NAMED_LEVELS } from '../../core/auth/rules/power-levels.ts'
import { MatrixError } from '../../core/errors.ts'
import { isRoomAlias, isUserId, serverNameOf } from '../../core/ids.ts'
import { type JsonObject, ownMember } from '../../core/json.ts'
import { isServerAllowed, parseServerAcl } from '../../core/server-acl.ts'
import type { NewRoom } from './room-templates.ts'

/** What an `m.room.canonical_alias` names, well formed or not. */
export const aliasesOf = (content: JsonObject): unknown[] => {
  const { alias, alt_aliases: alternatives } = content
  return [
    ...(alias === undefined || alias === null || alias === '' ? [] : [alias]),
    ...(Array.isArray(alternatives) ? alternatives : []),
  ]
}

/** The aliases that an `m.room.canonical_alias` of a client names. Throws `M_INVALID_PARAM`. */
export const checkedAliasesOf = (content: JsonObject): string[] => {
  const { alt_aliases: alternatives = null } = content
  if (alternatives !== null && !Array.isArray(alternatives)) {
    throw new MatrixError('M_INVALID_PARAM', 'alt_aliases is a list of aliases')
  }
  return aliasesOf(content).map(alias => {
    if (typeof alias === 'string' && isRoomAlias(alias)) return alias
    throw new MatrixError('M_INVALID_PARAM', 'Aliases look like #name:server')
  })
}

export const badAlias = (alias: string): MatrixError =>
  new MatrixError('M_BAD_ALIAS', `${alias} does not lead to this room`)

/**
 * What is refused of the state that a client wants a new room to begin with, as it would be later: the room's only alias is the
 * one that is made with it. Throws `M_INVALID_PARAM`, `M_INVALID_ROOM_STATE`, `M_BAD_ALIAS`, `M_BAD_JSON`.
 */
export const checkFirstState = ({ creator, alias, initialState, powerLevelOverride }: NewRoom): void => {
  checkLevels(powerLevelOverride)
  for (const { type, stateKey, content } of initialState) {
    if (type === 'm.room.member') checkFirstMember(stateKey, content)
    if (type === 'm.room.server_acl') checkOwnAccess(content, serverNameOf(creator))
    if (type === 'm.room.power_levels') checkLevels(content)
    const named = type === 'm.room.canonical_alias' ? checkedAliasesOf(content) : []
    const bad = named.find(one => one !== alias)
    if (bad !== undefined) throw badAlias(bad)
  }
}

/** Whoever is invited may have something against it, and be on another server: that is for `invite`. */
const checkFirstMember = (userId: string, { membership }: JsonObject): void => {
  checkIsUser(userId)
  if (membership === 'invite')
    throw new MatrixError('M_INVALID_ROOM_STATE', 'Whom a room begins with is named in invite')
}

/** The rules let others pass, and they would be members of the room whom nobody can name. Throws `M_INVALID_PARAM`. */
export const checkIsUser = (stateKey: string): void => {
  if (!isUserId(stateKey)) throw new MatrixError('M_INVALID_PARAM', `${stateKey} is not a user ID`)
}

/** Nobody of a server that the list keeps out could ever mend it. Throws `M_INVALID_PARAM`. */
export const checkOwnAccess = (content: JsonObject, serverName: string): void => {
  if (isServerAllowed(parseServerAcl(content), serverName)) return
  throw new MatrixError('M_INVALID_PARAM', 'This access control list would lock out your own server')
}

/**
 * "A homeserver should take reasonable precautions to prevent users from sending new power level events with string values",
 * or with fractions, which the rules of old rooms put up with. One that stands there already may stay: whoever changes another
 * level must not have to know of it.
 *
 * @param before the content of the power levels that hold now
 * @throws {MatrixError} `M_BAD_JSON`
 */
export const checkLevels = (content: JsonObject, before: JsonObject = {}): void => {
  checkTable(content, before, NAMED_LEVELS)
  for (const table of ['users', 'events', 'notifications']) {
    const levels = levelTable(content, table)
    checkTable(levels, levelTable(before, table), Object.keys(levels))
  }
}

const checkTable = (levels: JsonObject, before: JsonObject, names: readonly string[]): void => {
  for (const name of names) {
    const level = ownMember(levels, name)
    const isOdd = typeof level === 'string' || (typeof level === 'number' && !Number.isInteger(level))
    if (isOdd && level !== ownMember(before, name)) {
      throw new MatrixError('M_BAD_JSON', `The power level ${name} is not an integer.`)
    }
  }
}

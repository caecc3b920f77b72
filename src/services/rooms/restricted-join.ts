import { levelTo, powerLevelOf } from '../../core/auth/power-levels.ts'
import { serverNameOf } from '../../core/ids.ts'
import { isJsonObject } from '../../core/json.ts'
import type { RoomHead } from './room-head.ts'
import type { RoomsContext } from './room-writer.ts'
import { stateLookup } from './state-lookup.ts'

/** What a join of a user needs beyond itself in a room that may restrict joins. */
export type RestrictedJoin =
  /** Nothing: the room is not restricted, or the user is invited or in it; or banned, which no condition outweighs. */
  | { readonly kind: 'unrestricted' }
  /** A local user with the power to invite vouches for it. */
  | { readonly kind: 'authorised'; readonly by: string }
  /** A condition is met, but nobody here can vouch: another server in the room has to. */
  | { readonly kind: 'elsewhere' }
  /** No condition is met, as far as this server can tell (`certain`: it knows all of the rooms named). */
  | { readonly kind: 'refused'; readonly certain: boolean }

const POINTS = [
  { type: 'm.room.join_rules', stateKey: '' },
  { type: 'm.room.power_levels', stateKey: '' },
]

/** Of whom these are known the rules of the room decide without any condition. */
const DECIDED: readonly unknown[] = ['invite', 'join', 'ban']

/** Checks the conditions of a restricted room (client-server API, "Restricted rooms") for a user who wants to join. */
export const restrictedJoin = async (
  context: RoomsContext,
  head: RoomHead,
  userId: string,
): Promise<RestrictedJoin> => {
  const membership = head.memberships.get(userId)
  const state = await stateLookup(context, head, POINTS)
  const rules = state('m.room.join_rules', '')?.content
  const rule = rules?.['join_rule']
  const restricts =
    (rule === 'restricted' && head.version.auth.restricted) ||
    (rule === 'knock_restricted' && head.version.auth.knockRestricted)
  if (!restricts || DECIDED.includes(membership)) return { kind: 'unrestricted' }
  const allow = Array.isArray(rules?.['allow']) ? rules['allow'] : []
  const rooms = allow.flatMap(condition =>
    isJsonObject(condition) &&
    condition['type'] === 'm.room_membership' &&
    typeof condition['room_id'] === 'string'
      ? condition['room_id']
      : [],
  )
  const met = await meets(context, userId, new Set(rooms))
  if (met !== true) return { kind: 'refused', certain: met === false }
  const create = state('m.room.create', '')
  const powers = { create, powerLevels: state('m.room.power_levels', ''), version: head.version }
  const needed = levelTo('invite', powers)
  for (const [member, is] of head.memberships) {
    if (is !== 'join' || serverNameOf(member) !== context.serverName) continue
    if (powerLevelOf(member, powers) >= needed) return { kind: 'authorised', by: member }
  }
  return { kind: 'elsewhere' }
}

/** Whether the user is joined to one of the rooms; `undefined` if this server is not in some of them and cannot tell. */
const meets = async (
  { read, serverName }: RoomsContext,
  userId: string,
  roomIds: ReadonlySet<string>,
): Promise<boolean | undefined> => {
  // Whoever makes the room writes the list, and it may name a thousand rooms: they are asked about together.
  const known = await read.memberships.standingIn([...roomIds], userId, serverName)
  if (known.some(({ membership }) => membership === 'join')) return true
  return known.length === roomIds.size && known.every(({ isCertain }) => isCertain) ? false : undefined
}

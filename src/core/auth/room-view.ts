import type { RoomEvent, StateLookup } from '../event/event.ts'
import { levelTo, type PowerLevelAction, type PowerLevelState, powerLevelOf } from './power-levels.ts'

/** The room as the rules see it: the state to judge by, and the create event that roots it. */
export interface RoomView {
  readonly state: StateLookup
  readonly create: RoomEvent
  readonly powers: PowerLevelState
}

/** A member event whose target (its state key) is known. */
export type MemberEvent = RoomEvent & { readonly stateKey: string }

/** Opens the view; content is read only when a rule asks for it. */
export const viewRoom = (state: StateLookup, create: RoomEvent): RoomView => ({
  state,
  create,
  powers: { powerLevels: state('m.room.power_levels', ''), create, version: create.version },
})

/** A user's membership in the state, `undefined` where there is none or it is no string. */
export const membershipOf = (userId: string, room: RoomView): string | undefined => {
  const membership = room.state('m.room.member', userId)?.content['membership']
  return typeof membership === 'string' ? membership : undefined
}

/** The `join_rule`; rooms are invite-only where nothing is said. A value that is no string matches no rule. */
export const joinRule = (room: RoomView): string => {
  const rule = room.state('m.room.join_rules', '')?.content['join_rule'] ?? 'invite'
  return typeof rule === 'string' ? rule : ''
}

export const power = (userId: string, room: RoomView): number => powerLevelOf(userId, room.powers)

/** Whether a user's power level is greater than or equal to the level of an action. */
export const mayDo = (action: PowerLevelAction, userId: string, room: RoomView): boolean =>
  power(userId, room) >= levelTo(action, room.powers)

import type { RoomEvent, Verdict } from '../event/event.ts'
import { serverNameOf } from '../ids.ts'
import type { RoomVersion } from '../room-versions.ts'
import { levelTo, type PowerLevelState, powerLevelOf } from './power-levels.ts'
import { refuse } from './refusal.ts'

/**
 * Whether an accepted redaction is to be applied to the event that it names, once both are here (rooms/v3.md, "Handling
 * redactions"). In v1 and v2 the auth rules have decided that already, so an accepted redaction applies.
 *
 * @param state the power levels and create event in the state at the redaction
 */
export const redactionAllowed = (
  redaction: Pick<RoomEvent, 'sender' | 'roomId' | 'version'>,
  target: Pick<RoomEvent, 'type' | 'sender' | 'roomId'>,
  state: PowerLevelState,
): Verdict => {
  if (!mayBeRedacted(target, redaction.version)) {
    return refuse('redaction.create', 'The event that made the room stays as it is.')
  }
  // A redaction reaches no further than its own room: its sender's power ends there.
  if (redaction.roomId !== target.roomId) {
    return refuse('redaction.other_room', 'The redacted event belongs to another room.')
  }
  if (redaction.version.redaction.authorisedByAuthRules) return undefined
  // "The power level of the redaction event's sender is greater than or equal to the redact level."
  if (powerLevelOf(redaction.sender, state) >= levelTo('redact', state)) return undefined
  // "The domain of the redaction event's sender matches that of the original event's sender."
  if (serverNameOf(redaction.sender) === serverNameOf(target.sender)) return undefined
  return refuse('redaction.power', `${redaction.sender} may not redact what others have sent.`)
}

/**
 * Before version 11 the algorithm leaves of a create event its `creator` alone: without `m.federate` a closed room would be open to
 * everybody, without `room_version` no server could join it from here any more. So that event is left as it is, as other servers
 * leave it.
 */
export const mayBeRedacted = ({ type }: Pick<RoomEvent, 'type'>, { redaction }: RoomVersion): boolean =>
  type !== 'm.room.create' || redaction.v11Rules

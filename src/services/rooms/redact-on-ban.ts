import { levelTo, levelToSend, type PowerLevelState, powerLevelOf } from '../../core/auth/power-levels.ts'
import type { RoomEvent } from '../../core/event/event.ts'
import type { StoredEvent } from '../../storage/rooms/events.ts'
import { membershipOf, type RoomHead } from './room-head.ts'
import type { RoomsContext } from './room-writer.ts'

/** The member of a kick or ban by which all that its target has sent is redacted (MSC4293). */
export const REDACT_EVENTS = 'org.matrix.msc4293.redact_events'

/** Events that one kick or ban redacts, the newest. */
const MAX_REDACTED = 10_000

/** Memberships that are looked through for the beginning of a stay. */
const MAX_MEMBERSHIPS = 200

/** Whether an event asks for it: "no effect when applied to self-leaves or other membership states". */
export const asksForRedaction = (
  event: Pick<RoomEvent, 'type' | 'sender' | 'content'> & { readonly stateKey?: string | undefined },
): boolean => {
  const { type, stateKey, sender, content } = event
  if (type !== 'm.room.member' || stateKey === undefined || stateKey === sender) return false
  const { membership } = content
  return (membership === 'ban' || membership === 'leave') && content[REDACT_EVENTS] === true
}

/**
 * "Servers MUST ensure that the sender of the kick or ban has power level to redact the target user's events. This means
 * having a power level higher than or equal to `redact` *and* `events["m.room.redaction"]` (if set)."
 */
export const mayRedactByRemoving = ({ sender }: RoomEvent, powers: PowerLevelState): boolean => {
  const own = powerLevelOf(sender, powers)
  return own >= levelTo('redact', powers) && own >= levelToSend('m.room.redaction', false, powers)
}

/**
 * What a kick or ban redacts, given who has which power: what its target has sent in the stay that it ends. (The proposal says "up to the
 * point of the user's previous membership event"; a change of name, which is one too, is no way out.) The access control list that
 * holds stays: without its content it would lock everybody out.
 */
export const redactedByRemoving = async (
  { read }: RoomsContext,
  head: RoomHead,
  { event, powers }: { event: RoomEvent; powers: PowerLevelState },
): Promise<StoredEvent[]> => {
  const userId = event.stateKey
  if (userId === undefined || !asksForRedaction(event) || !mayRedactByRemoving(event, powers)) return []
  const roomNid = head.room.nid
  const spans = await read.state.latest(roomNid, 'm.room.member', userId, MAX_MEMBERSHIPS)
  const members = new Map(
    (await read.events.byNids(spans.map(({ nid }) => nid))).map(one => [one.nid, one.event]),
  )
  const isJoin = ({ nid }: { nid: number }): boolean => {
    const member = members.get(nid)
    return member !== undefined && membershipOf(member) === 'join'
  }
  const ended = spans.findIndex(span => !isJoin(span))
  // The join that began the stay, or what came after it without one.
  const [begin] = ended === -1 ? spans.slice(-1) : spans.slice(Math.max(ended - 1, 0))
  if (begin === undefined) return []
  const sent = await read.events.ofSender(userId, { roomNid, after: begin.from, limit: MAX_REDACTED })
  const acl = head.entry('m.room.server_acl', '')?.nid
  return sent.filter(({ nid }) => nid !== acl)
}

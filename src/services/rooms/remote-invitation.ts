import { MatrixError } from '../../core/errors.ts'
import { serverNameOf } from '../../core/ids.ts'
import type { JsonObject } from '../../core/json.ts'
import { RECORD_KEY, readFacts, type ToldFacts } from '../../core/room-record.ts'
import type { SigningKey } from '../../core/signing.ts'
import { describingState } from './invitation-statements.ts'
import { type EventTemplate, makeLocalEvent } from './local-event.ts'
import type { RemoteMemberships } from './ports.ts'
import { receiveRecommended } from './receive-recommended.ts'
import { powerContext } from './redaction-effect.ts'
import type { RoomHead } from './room-head.ts'
import { policyServerOf, recommended } from './room-policy.ts'
import type { RoomsContext, RoomWriter } from './room-writer.ts'
import { shownSummaries } from './shown-summary.ts'

/**
 * Invites a user of another server: their server is asked first, and the event with its signature then enters the room.
 * Nothing happens here if it refuses. Answers whether the invitation was still wanted when the other server had it.
 *
 * @param template the member event; its state key is the invited user
 * @param isWanted whether it has not been withdrawn in the meantime
 * Throws `M_FORBIDDEN` (also of a room that is not known), and what the other server's refusal becomes.
 */
export const inviteRemotely = async (
  parts: { writer: RoomWriter; signingKey: SigningKey; remote: RemoteMemberships },
  roomId: string,
  template: EventTemplate & { readonly stateKey: string },
  isWanted: () => Promise<boolean>,
): Promise<boolean> => {
  const { writer, signingKey, remote } = parts
  const { context } = writer
  if ((await writer.head(roomId)) === undefined)
    throw new MatrixError('M_FORBIDDEN', 'You are not in this room')
  const { event, policy, ...told } = await writer.update(
    roomId,
    async head => {
      const { create } = await powerContext(context.read, head)
      refuseWhereClosed(create?.content ?? {})
      const invitation = await makeLocalEvent(context, signingKey, head, template)
      return {
        settled: {
          event: invitation.event,
          policy: await policyServerOf(context, head),
          // Whole events since v1.16; the receiving server strips them.
          strippedState: await describingState(context, head, [template.sender]),
          facts: await toldFacts(context.read, head, template.stateKey),
        },
      }
    },
    // Of what it builds on nothing may fail to come to pass once the other server has it.
    { settled: true },
  )
  const signed = await remote.invite({
    event: await recommended(writer, policy, event),
    destination: serverNameOf(template.stateKey),
    ...told,
  })
  // Only what is in the room can be taken back there, and by that at the other server.
  const wasWanted = await isWanted()
  const received = await receiveRecommended(writer, signed)
  if (received.outcome === 'accepted' || received.outcome === 'duplicate') return wasWanted
  throw new MatrixError('M_FORBIDDEN', 'reason' in received ? received.reason : 'The room has changed')
}

/**
 * Whom no rule would let in is not invited, nor told of the room: they could not even decline. Throws `M_FORBIDDEN`.
 *
 * @param content of the room's create event
 */
export const refuseWhereClosed = (content: JsonObject): void => {
  if (content['m.federate'] === false)
    throw new MatrixError('M_FORBIDDEN', 'This room is closed to users of other servers')
}

/** The room as it will be with the invitation. */
const toldFacts = async (read: RoomsContext['read'], head: RoomHead, invited: string): Promise<ToldFacts> => {
  const stored = await read.summaries.ofRoom(head.room.nid)
  const [row] = stored === undefined ? [] : await shownSummaries(read, [stored])
  if (row === undefined) return {}
  const facts = readFacts(row.summary[RECORD_KEY])
  const others = (facts.invited_members ?? 0) - (head.memberships.get(invited) === 'invite' ? 1 : 0)
  return { ...facts, joined_members: row.joinedMembers, invited_members: others + 1 }
}

import { canonicalJson } from '../../core/canonical-json.ts'
import { MatrixError } from '../../core/errors.ts'
import { type RoomEvent, stateMapKey } from '../../core/event/event.ts'
import { isRecommended, POLICY_TYPE, type PolicyServer, parsePolicyServer } from '../../core/policy-server.ts'
import type { Answer } from '../answer.ts'
import { checkOwn } from './local-event.ts'
import type { RoomHead } from './room-head.ts'
import { contentShown } from './room-summary.ts'
import type { RoomsContext, RoomWriter } from './room-writer.ts'

/**
 * The policy server that a room uses now: its current state names one, and "the server name denoted by the
 * `m.room.policy` state event's `via` has at least one joined user in the room in *current state*".
 */
export const policyServerOf = (
  context: Pick<RoomsContext, 'read' | 'serverName'>,
  head: RoomHead,
): Answer<PolicyServer | undefined> => {
  const entry = head.state.get(POLICY_KEY)
  return entry && policyServerBy(entry.nid, context, head)
}

const POLICY_KEY = stateMapKey(POLICY_TYPE, '')

const policyServerBy = async (
  nid: number,
  { read, serverName }: Pick<RoomsContext, 'read' | 'serverName'>,
  head: RoomHead,
): Promise<PolicyServer | undefined> => {
  const [stored] = await read.events.byNids([nid])
  const policy = stored && parsePolicyServer(contentShown(stored))
  // This server is none. Whoever names it all the same must not keep its users from speaking, or leaving.
  if (policy === undefined || policy.via === serverName) return undefined
  return head.hasHost(policy.via) ? policy : undefined
}

/**
 * Has an event of ours signed by its room's policy server, if there is one. Throws what that server answers,
 * `M_FORBIDDEN` if its signature is not what the room asks for, and `M_TOO_LARGE` if there is no space for it.
 */
export const recommended = async (
  writer: RoomWriter,
  policy: PolicyServer | undefined,
  event: RoomEvent,
): Promise<RoomEvent> => {
  if (policy === undefined || isRecommended(event, policy)) return event
  const signed = await askPolicyServer(writer, event, policy.via)
  if (!isRecommended(signed, policy)) {
    throw new MatrixError(
      'M_FORBIDDEN',
      `The policy server ${policy.via} has not signed the event with its key`,
    )
  }
  // "Including any signatures".
  checkOwn(signed, Buffer.byteLength(canonicalJson(signed.pdu)))
  return signed
}

/**
 * The same for a leave, which goes as it is where the policy server does not answer or refuses it: nobody is held in a room by
 * somebody else's server. Others soft-fail it then ("or the homeserver sends a local client's event anyway") until something follows it.
 */
export const recommendedIfPossible: typeof recommended = async (writer, policy, event) => {
  try {
    return await recommended(writer, policy, event)
  } catch (error) {
    if (error instanceof MatrixError) return event
    throw error
  }
}

/** Asks the policy server. Throws `MatrixError`. */
export const askPolicyServer = (writer: RoomWriter, event: RoomEvent, server: string): Promise<RoomEvent> => {
  if (writer.askPolicyServer === undefined) {
    throw new MatrixError(
      'M_FORBIDDEN',
      `The policy server ${server} cannot be asked: there is no federation`,
    )
  }
  return writer.askPolicyServer(event, server)
}

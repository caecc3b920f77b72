/** What a resident server answers to a join, as far as it is to be believed. */
import { MatrixError } from '../../../core/errors.ts'
import type { RoomEvent } from '../../../core/event/event.ts'
import { trustedEvent } from '../../../core/event/format.ts'
import { serverNameOf } from '../../../core/ids.ts'
import { isJsonObject, type JsonObject } from '../../../core/json.ts'
import { isRecommended, POLICY_KEY_ID, POLICY_TYPE, parsePolicyServer } from '../../../core/policy-server.ts'
import type { RoomVersion } from '../../../core/room-versions.ts'
import { signatureOf, withSignature } from '../../../core/signing.ts'
import type { OutboundContext } from './context.ts'
import { knownVersion, UNTOLD_VERSION, withSignaturesOf } from './handshake-event.ts'

/** Verified in one go, between two lines in the log. */
const BATCH = 1_000
/** Rooms from this many events on tell how far their join has come. */
const LARGE_ROOM = 2_000

/** So many reasons are named for which events of an answer were dropped; some say which event it was. */
const MAX_REASONS = 10

/** Which of versions 1 and 2 a room is of, where the resident server has not said it. */
export const versionByCreate = (state: readonly JsonObject[]): RoomVersion => {
  const create = state.find(({ type, state_key: key }) => type === 'm.room.create' && key === '')
  const content = create?.['content']
  return knownVersion(isJsonObject(content) && content['room_version'] === '2' ? '2' : UNTOLD_VERSION)
}

/**
 * Those events of an answer whose signatures hold; how many do not is logged, which in an old room are thousands, of servers that
 * are gone. `about.what` names the list in the log; `about.vouchedBy` is believed what it says of keys that nobody else tells.
 */
export const verifiedEvents = async (
  context: OutboundContext,
  pdus: readonly JsonObject[],
  version: RoomVersion,
  about: { server: string; roomId: string; what: string; vouchedBy: string | undefined },
): Promise<RoomEvent[]> => {
  const { log, verifyEvents } = context
  const { server, roomId: room, what, vouchedBy } = about
  const options = { mayBeOld: true, vouchedBy }
  const events: RoomEvent[] = []
  const reasons = new Map<string, number>()
  for (let start = 0; start < pdus.length; start += BATCH) {
    const verified = await verifyEvents(pdus.slice(start, start + BATCH), version, options)
    for (const one of verified) {
      if ('event' in one) events.push(one.event)
      else {
        reasons.set(one.refusal, (reasons.get(one.refusal) ?? 0) + 1)
        log.debug({ room, server, event: one.eventId, reason: one.refusal }, `${what}: event dropped`)
      }
    }
    if (pdus.length >= LARGE_ROOM) {
      const done = Math.min(start + BATCH, pdus.length)
      log.info({ room, server, done, of: pdus.length }, `join: verifying the ${what}`)
    }
  }
  if (events.length < pdus.length) {
    const most = [...reasons].toSorted(([, a], [, b]) => b - a).slice(0, MAX_REASONS)
    const facts = { room, server, dropped: pdus.length - events.length, of: pdus.length }
    log.info({ ...facts, reasons: Object.fromEntries(most) }, `${what}: events dropped`)
  }
  return events
}

/**
 * In restricted rooms: the join with the signature of the authorising user's server, which every server will ask
 * for. Elsewhere what the resident server adds has no use. Throws `M_UNKNOWN` (502) where that signature is missing.
 */
export const countersigned = async (
  context: OutboundContext,
  server: string,
  ours: RoomEvent,
  answered: JsonObject | undefined,
): Promise<RoomEvent> => {
  const authoriser = ours.content['join_authorised_via_users_server']
  if (typeof authoriser !== 'string' || !ours.version.signatures.restrictedJoinServer) return ours
  const merged = withSignaturesOf(ours, answered ?? {}, serverNameOf(authoriser))
  const [verified] = await context.verifyEvents([merged.pdu], ours.version, {
    exempt: context.core.context.serverName,
  })
  if (verified === undefined || 'refusal' in verified) {
    throw badAnswer(server, `the join is not signed for ${authoriser}`)
  }
  return merged
}

/** The join with the signature of the room's policy server, if it has one and the resident server has asked it. */
export const withRecommendation = (
  join: RoomEvent,
  answered: JsonObject,
  state: readonly RoomEvent[],
): RoomEvent => {
  const content = state.find(event => event.type === POLICY_TYPE && event.stateKey === '')?.content
  const policy = content && parsePolicyServer(content)
  const signature = policy && signatureOf(answered, policy.via, POLICY_KEY_ID)
  if (policy === undefined || signature === undefined) return join
  const pdu = withSignature(join.pdu, policy.via, POLICY_KEY_ID, signature)
  const signed = trustedEvent(pdu, join.eventId, join.version)
  return isRecommended(signed, policy) ? signed : join
}

/** That a server's answer cannot be used, as the client is to see it. */
export const badAnswer = (server: string, reason: string): MatrixError =>
  new MatrixError('M_UNKNOWN', `The room cannot be joined through ${server}: ${reason}`, { status: 502 })

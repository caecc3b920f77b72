import type { RoomEvent } from '../../core/event/event.ts'
import { judgeAwaiting } from './judge-awaiting.ts'
import { receiveOne } from './receive-one.ts'
import type { Received, ReceiveOptions } from './received.ts'
import type { RoomWriter } from './room-writer.ts'

export type { Received, ReceiveOptions } from './received.ts'

/**
 * Receives one event that is not of this server's making into the room's timeline. The order of checks is that of the
 * server-server API, "Checks performed on receipt of a PDU":
 *
 * 1. It is a valid event: `parsePdu`, done by the caller.
 * 2. Its signatures are valid, 3. its hash fits (else it was redacted): done by the caller, who may wait for keys.
 * 4. It passes the authorisation rules based on its auth events, else it is rejected.
 * 5. It passes them based on the state before it, else it is rejected.
 * 6. It passes them based on the current state of the room, else it is soft-failed. Where a peer had to tell the state before
 *    it, that state stands beside those after the room's ends.
 * 7. It is signed by the room's policy server, if there is one, else it is soft-failed; but first the caller is told,
 *    so that it can ask that server (`receiveRecommended`).
 *
 * Nothing here fetches: what is missing is the answer, and the caller asks again with it. An event that was rejected
 * before is judged again: what spoke against it may have been a gap in what this server knew. What was rejected for
 * want of this event follows.
 */
export const receiveEvent = async (
  writer: RoomWriter,
  event: RoomEvent,
  options: ReceiveOptions = {},
): Promise<Received> => {
  const received = await receiveOne(writer, event, options)
  if (received.outcome === 'accepted' || received.outcome === 'soft-failed') {
    await judgeAwaiting(writer, [event.eventId])
  }
  return received
}

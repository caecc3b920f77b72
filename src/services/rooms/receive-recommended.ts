import { MatrixError } from '../../core/errors.ts'
import type { RoomEvent } from '../../core/event/event.ts'
import { receiveEvent } from './receive.ts'
import type { Received, ReceiveOptions } from './received.ts'
import { askPolicyServer } from './room-policy.ts'
import type { RoomWriter } from './room-writer.ts'

/**
 * Receives an event as `receiveEvent` does, and asks the room's policy server about it where the event lacks its
 * signature. What that server does not recommend is soft-failed.
 */
export const receiveRecommended = async (
  writer: RoomWriter,
  event: RoomEvent,
  options: ReceiveOptions = {},
): Promise<Received> => {
  const received = await receiveEvent(writer, event, options)
  if (received.outcome !== 'unrecommended') return received
  const { policyServer } = received
  let signed = event
  let notRecommended = `The policy server ${policyServer} has not signed the event with its key.`
  try {
    signed = await askPolicyServer(writer, event, policyServer)
  } catch (error) {
    if (!(error instanceof MatrixError)) throw error
    notRecommended = `The policy server ${policyServer} does not recommend the event: ${error.message}`
  }
  return receiveEvent(writer, signed, { ...options, notRecommended })
}

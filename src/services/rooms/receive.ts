import type { RoomEvent } from '../../core/event/event.ts'
import { DatabaseGaveUp, DatabaseUnavailable } from '../../storage/database.ts'
import { judgeAwaiting } from './judge-awaiting.ts'
import { receiveOne, receiveRun } from './receive-run.ts'
import type { Received, ReceiveOptions } from './received.ts'
import type { RoomWriter } from './room-writer.ts'

export type { Received, ReceiveOptions } from './received.ts'

/** So many events share a commit at most. */
const MAX_RUN = 50

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
  await followUp(writer, [[event, received]])
  return received
}

/**
 * The same for events of one room, in their order. Messages that extend the room share commits; one that cannot be received harms
 * no other.
 *
 * @returns what becomes of each, in the same order
 */
export const receiveAll = (writer: RoomWriter, events: readonly RoomEvent[]): Promise<Received>[] => {
  const waiting = events.map((event): Waiting => ({ event, ...Promise.withResolvers<Received>() }))
  void receiveWaiting(writer, waiting)
  return waiting.map(({ promise }) => promise)
}

interface Waiting extends PromiseWithResolvers<Received> {
  readonly event: RoomEvent
}

const receiveWaiting = async (writer: RoomWriter, waiting: readonly Waiting[]): Promise<void> => {
  for (let at = 0; at < waiting.length; ) {
    const [first, ...others] = waiting.slice(at, at + MAX_RUN)
    if (first === undefined) return
    at += (await receivedTogether(writer, [first, ...others])) || (await receivedAlone(writer, first))
  }
}

/** Receives some of these, beginning with the first; answers how many, none if that has failed. */
const receivedTogether = async (
  writer: RoomWriter,
  waiting: readonly [Waiting, ...Waiting[]],
): Promise<number> => {
  const [first, ...others] = waiting
  try {
    const received = await receiveRun(writer, [first.event, ...others.map(({ event }) => event)])
    const pairs = received.flatMap((one, index) => {
      const of = waiting[index]
      return of === undefined ? [] : [[of.event, one] as const]
    })
    await followUp(writer, pairs)
    for (const [index, one] of received.entries()) waiting[index]?.resolve(one)
    return received.length
  } catch (error) {
    // What the database does not get done with may be one of them.
    if (!(error instanceof DatabaseUnavailable) || error instanceof DatabaseGaveUp) return 0
    for (const { reject } of waiting) reject(error)
    return waiting.length
  }
}

const receivedAlone = async (writer: RoomWriter, { event, resolve, reject }: Waiting): Promise<number> => {
  await receiveEvent(writer, event).then(resolve, reject)
  return 1
}

const followUp = (
  writer: RoomWriter,
  received: readonly (readonly [RoomEvent, Received])[],
): Promise<void> => {
  const entered = received.filter(([, { outcome }]) => outcome === 'accepted' || outcome === 'soft-failed')
  return judgeAwaiting(
    writer,
    entered.map(([{ eventId }]) => eventId),
  )
}

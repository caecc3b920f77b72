import { type ClosedLoopOptions, closedLoop, type LoadResult } from './load.ts'
import { type Account, createRoom, sendRequest } from './matrix.ts'
import {
  type Bench,
  costRows,
  interleave,
  medianRow,
  noteFailures,
  percentileRow,
  type Row,
  type Sides,
} from './scenario.ts'
import type { Target } from './target.ts'

/** Users who send; connections beyond that share them, as the devices of a user do. */
export const senderCount = 8

/** Somebody who may send to a room. */
export interface Seat {
  account: Account
  roomId: string
}

/** @returns one new public room per seat, its creator sitting in it */
export async function seatsInOwnRooms(target: Target, count: number): Promise<Seat[]> {
  const accounts = await target.accounts(senderCount)
  const creators = Array.from({ length: count }, (_, n) => accounts[n % accounts.length]).filter(
    account => account !== undefined,
  )
  return target.inParallel(creators, async (connection, account) => {
    const roomId = await createRoom(connection, account, { preset: 'public_chat', name: 'bench' })
    return { account, roomId }
  })
}

/** @returns the requests of a closed loop in which worker n keeps sending from seat n */
export function sendingFrom(target: Target, seats: readonly Seat[]): ClosedLoopOptions['next'] {
  let number = 0
  return worker => {
    const seat = seats[worker % seats.length]
    if (seat === undefined) throw new Error('no seats')
    number += 1
    return sendRequest(seat.account, seat.roomId, target.transactionId(), number)
  }
}

/** Runs one closed sending loop per round and side. */
export async function measureSending(
  bench: Bench,
  measure: string,
  seats: (target: Target) => Promise<Seat[]>,
): Promise<{ sides: Sides<LoadResult>; rows: Row[] }> {
  bench.progress(`${measure}: preparing`)
  const prepared = { server: await seats(bench.server), echo: await seats(bench.echo) }
  bench.progress(`${measure}: ${bench.rounds} rounds of 2 × ${bench.seconds} s`)
  const { concurrency, seconds } = bench
  const sides = await interleave(bench, bench.rounds, (target, side) =>
    closedLoop(target, { concurrency, seconds, next: sendingFrom(target, prepared[side]) }),
  )
  noteFailures(bench, measure, sides)
  const rows = [
    medianRow(measure, '1/s', sides, result => result.perSecond),
    percentileRow(`${measure}: answer under full load`, 0.5, sides, result => result.latencies),
    percentileRow(`${measure}: answer under full load`, 0.99, sides, result => result.latencies),
    ...costRows(measure, sides),
  ]
  return { sides, rows }
}

import type { RequestParts } from '../connection.ts'
import { catchUp, Listener } from '../listener.ts'
import { atMost, closedLoop, type LoadResult, openLoop } from '../load.ts'
import { type Account, joinRoom, sendRequest } from '../matrix.ts'
import {
  type Bench,
  costRows,
  interleave,
  medianRow,
  noteFailures,
  percentileRow,
  type Scenario,
} from '../scenario.ts'
import { type Seat, seatsInOwnRooms, senderCount, sendingFrom } from '../sending.ts'
import type { Target } from '../target.ts'

/** Seconds that events get to arrive after the last send. */
const drainSeconds = 10

interface Audience {
  seats: Seat[]
  /** One account per listener; listener n is in rooms n, n − 1, … n − fanOut + 1. */
  accounts: Account[]
}

interface Outcome {
  sends: LoadResult
  /** From when a send was due until a listener held its event, milliseconds. */
  delays: number[]
  missed: number
}

/** How long an event takes from its sender to the clients that wait for it, at a fixed rate. */
export const sendToSync: Scenario = {
  name: 'send-to-sync',
  async run(bench) {
    bench.progress(`send-to-sync: preparing ${bench.listeners} listeners`)
    const audience = { server: await gather(bench.server, bench), echo: await gather(bench.echo, bench) }
    const rate = bench.rate ?? (bench.measuredSendRate ?? (await calibrate(bench, audience.server))) / 2
    bench.progress(`send-to-sync: ${bench.rounds} rounds of 2 × ${bench.seconds} s at ${rate.toFixed(0)}/s`)
    const sides = await interleave(bench, bench.rounds, (target, side) =>
      measure(target, audience[side], rate, bench),
    )
    const sends = { server: sides.server.map(one => one.sends), echo: sides.echo.map(one => one.sends) }
    noteFailures(bench, 'send-to-sync', sends)
    for (const side of ['server', 'echo'] as const) {
      const missed = sides[side].reduce((sum, one) => sum + one.missed, 0)
      if (missed > 0) bench.notes.push(`send-to-sync: ${missed} events never reached a listener of ${side}`)
    }
    const delays = (one: Outcome) => one.delays
    return [
      medianRow('send-to-sync: rate', '1/s', sends, result => result.perSecond),
      percentileRow('send-to-sync: delay', 0.5, sides, delays),
      percentileRow('send-to-sync: delay', 0.99, sides, delays),
      percentileRow('send-to-sync: answer to the sender', 0.5, sends, result => result.latencies),
      percentileRow('send-to-sync: answer to the sender', 0.99, sends, result => result.latencies),
      ...costRows('send-to-sync', sends),
    ]
  },
}

async function gather(target: Target, bench: Bench): Promise<Audience> {
  const seats = await seatsInOwnRooms(target, bench.listeners)
  const accounts = (await target.accounts(senderCount + bench.listeners)).slice(senderCount)
  const joins = seats.flatMap(({ roomId }, room) =>
    Array.from({ length: bench.fanOut }, (_, n) => ({
      roomId,
      account: accounts[(room + n) % accounts.length],
    })),
  )
  await target.inParallel(joins, async (connection, { roomId, account }) => {
    if (account !== undefined) await joinRoom(connection, account, roomId)
  })
  return { seats, accounts }
}

/** A short closed loop, for when `many-rooms` has not run. */
async function calibrate(bench: Bench, { seats }: Audience): Promise<number> {
  bench.progress('send-to-sync: finding the send rate')
  const { concurrency, seconds, server } = bench
  const found = await closedLoop(server, { concurrency, seconds, next: sendingFrom(server, seats) })
  return found.perSecond
}

async function measure(target: Target, audience: Audience, rate: number, bench: Bench): Promise<Outcome> {
  const listeners = await target.inParallel(audience.accounts, async (connection, account) => {
    const since = await catchUp(connection, account)
    return new Listener(target.connection(), account, since)
  })
  const expected = Math.max(1, Math.round(rate * bench.seconds)) * bench.fanOut
  const dueAt: number[] = []
  const delays: number[] = []
  const { promise: complete, resolve } = Promise.withResolvers<void>()
  for (const listener of listeners) {
    listener.listen((numbers, at) => {
      for (const number of numbers) {
        const due = dueAt[number]
        if (due !== undefined) delays.push(at - due)
      }
      if (delays.length >= expected) resolve()
    })
  }
  const load = { connections: bench.concurrency, perSecond: rate }
  const request = (index: number, number: number): RequestParts => {
    const seat = audience.seats[index % audience.seats.length]
    if (seat === undefined) throw new Error('no seats')
    return sendRequest(seat.account, seat.roomId, target.transactionId(), number)
  }
  // As in a closed loop, a fifth of it before, unmeasured: what comes now has no due time.
  const warmUp = { ...load, seconds: bench.seconds / 5 }
  await openLoop(target, { ...warmUp, request: index => request(index, expected + index) })
  const sends = await openLoop(target, {
    ...{ ...load, seconds: bench.seconds },
    request(index, due) {
      dueAt[index] = due
      return request(index, index)
    },
  })
  await atMost(drainSeconds, complete)
  await Promise.all(listeners.map(listener => listener.stop()))
  return { sends, delays, missed: Math.max(0, expected - delays.length) }
}

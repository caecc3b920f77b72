import { catchUp, Listener } from '../listener.ts'
import { atMost, pause } from '../load.ts'
import { call, sendRequest } from '../matrix.ts'
import { type Bench, interleave, medianRow, type Row, type Scenario } from '../scenario.ts'
import type { Target } from '../target.ts'
import { type Crowd, crowd } from '../waiting.ts'

/** A server may need longer to let go of what a thousand requests at once leave behind than it does otherwise: V8 takes eight seconds. */
const SETTLE_AFTER_BURST = 5

/** Wake-ups have that long to arrive, seconds. */
const wakeSeconds = 30

interface Outcome {
  /** Bytes. */
  rest: number | undefined
  waiting: number | undefined
  /** Bytes for each further client that waits, where as many wait already: those pay for what grows but once. */
  perClient: number | undefined
  /** From one send until the last waiting client had its event, milliseconds; undefined if not all had. */
  wakeAll: number | undefined
}

/** Resident memory at rest and with many clients waiting in /sync, and how long it takes to wake them all. */
export const memory: Scenario = {
  name: 'memory',
  async run(bench) {
    const count = bench.waiting
    bench.progress('memory: preparing accounts in one room')
    const prepared = { server: await crowd(bench.server), echo: await crowd(bench.echo) }
    bench.progress(`memory: ${count} clients wait`)
    const sides = await interleave(bench, 1, (target, side) => measure(target, prepared[side], bench))
    if (sides.server[0]?.rest === undefined) bench.notes.push('memory: unknown without --pid or --spawn')
    if (sides.server[0]?.wakeAll === undefined) bench.notes.push('memory: not all waiting clients were woken')
    const megabytes = (bytes: number | undefined) => (bytes === undefined ? undefined : bytes / 1e6)
    return [
      ...atStart(bench),
      medianRow('memory at rest, with accounts', 'MB', sides, one => megabytes(one.rest)),
      medianRow(`memory with ${count} waiting syncs`, 'MB', sides, one => megabytes(one.waiting)),
      medianRow('memory per further waiting sync', 'KB', sides, one => one.perClient && one.perClient / 1000),
      medianRow(`time to wake ${count} waiting syncs`, 'ms', sides, one => one.wakeAll),
    ]
  },
}

function atStart({ memoryAtStart: { server, echo } }: Bench): Row[] {
  if (server === undefined) return []
  const row = { measure: 'memory at rest, freshly started', unit: 'MB', server: server / 1e6 }
  return [{ ...row, echo: echo === undefined ? undefined : echo / 1e6 }]
}

async function measure(target: Target, prepared: Crowd, bench: Bench): Promise<Outcome> {
  const { accounts, roomId } = prepared
  const { waiting: count, settle } = bench
  const [sender] = accounts
  if (sender === undefined) throw new Error('no accounts')
  // First, so that what an initial sync leaves behind counts as rest and not as waiting.
  const tokens = await target.inParallel(accounts, catchUp)
  const rest = await settledMemory(target, settle)
  const listenersFrom = (first: number) =>
    Array.from({ length: count }, (_, n) => {
      const account = accounts[n % accounts.length] ?? sender
      return new Listener(target.connection(), account, tokens[n % tokens.length] ?? '', first + n)
    })
  const listeners = listenersFrom(0)
  let woken = 0
  const { promise: allWoken, resolve } = Promise.withResolvers<number>()
  for (const listener of listeners) {
    listener.listen((numbers, at) => {
      if (numbers.length > 0) woken += 1
      if (woken === count) resolve(at)
    })
  }
  const waiting = await settledMemory(target, SETTLE_AFTER_BURST * settle)
  const more = listenersFrom(count)
  for (const listener of more) listener.listen(() => {})
  const twice = await settledMemory(target, SETTLE_AFTER_BURST * settle)
  await Promise.all(more.map(listener => listener.stop()))
  const sentAt = performance.now()
  await target.inParallel([sender], (connection, account) =>
    call(connection, sendRequest(account, roomId, target.transactionId(), 1)),
  )
  await atMost(wakeSeconds, allWoken)
  const wakeAll = woken === count ? (await allWoken) - sentAt : undefined
  await Promise.all(listeners.map(listener => listener.stop()))
  const perClient = waiting === undefined || twice === undefined ? undefined : (twice - waiting) / count
  return { rest, waiting, perClient, wakeAll }
}

/**
 * @param seconds for which it must not have moved by more than one per cent; given up after five times that
 * @returns resident bytes, or undefined when the processes are unknown
 */
export async function settledMemory(target: Target, seconds: number): Promise<number | undefined> {
  const samples: number[] = []
  for (let n = 0; n < 40; n++) {
    const resident = target.usage()?.residentBytes
    if (resident === undefined) return undefined
    samples.push(resident)
    const recent = samples.slice(-8)
    if (recent.length === 8 && Math.max(...recent) < 1.01 * Math.min(...recent)) break
    await pause(seconds / 8)
  }
  return samples.at(-1)
}

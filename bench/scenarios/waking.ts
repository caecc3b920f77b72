import { catchUp, Listener } from '../listener.ts'
import { atMost } from '../load.ts'
import { call, sendRequest } from '../matrix.ts'
import { type Bench, interleave, medianRow, type Scenario } from '../scenario.ts'
import type { Target } from '../target.ts'
import { type Crowd, crowd, quiet } from '../waiting.ts'

/** Before anything counts: V8 is still compiling. */
const warmUp = 5
const messages = 20

/** A wake-up has that long to arrive, seconds. */
const wakeSeconds = 30

interface Outcome {
  /** From one send until the last waiting client had its event, milliseconds. */
  wakeAll: number[]
  /** Of the server, for each client that was woken and waits again, microseconds; the send is in it. */
  cpu: number | undefined
}

/** What it costs to wake everybody in a room by one message, over many messages. */
export const waking: Scenario = {
  name: 'waking',
  async run(bench) {
    const count = bench.waiting
    bench.progress(`waking: preparing ${count} clients in one room`)
    const prepared = { server: await crowd(bench.server), echo: await crowd(bench.echo) }
    const sides = await interleave(bench, 1, (target, side) => measure(target, prepared[side], bench))
    const wakes = (one: Outcome) => one.wakeAll
    return [
      medianRow(`waking ${count} clients by a message: last one served`, 'ms', sides, one =>
        middle(wakes(one)),
      ),
      medianRow(`waking ${count} clients by a message: server CPU per client`, 'µs', sides, one => one.cpu),
    ]
  },
}

const middle = (values: readonly number[]): number | undefined =>
  [...values].sort((a, b) => a - b)[values.length >> 1]

async function measure(
  target: Target,
  { accounts, roomId }: Crowd,
  { waiting: count, settle }: Bench,
): Promise<Outcome> {
  const [sender] = accounts
  if (sender === undefined) throw new Error('no accounts')
  const tokens = await target.inParallel(accounts, catchUp)
  let woken = 0
  let resolve: (at: number) => void = () => {}
  const listeners = Array.from({ length: count }, (_, n) => {
    const account = accounts[n % accounts.length] ?? sender
    return new Listener(target.connection(), account, tokens[n % tokens.length] ?? '', n)
  })
  for (const listener of listeners) {
    listener.listen((numbers, at) => {
      woken += numbers.length
      if (woken === count) resolve(at)
    })
  }
  const wake = async (): Promise<number> => {
    await quiet(target, settle)
    woken = 0
    const all = new Promise<number>(done => {
      resolve = done
    })
    const sentAt = performance.now()
    await target.inParallel([sender], (connection, account) =>
      call(connection, sendRequest(account, roomId, target.transactionId(), 1)),
    )
    await atMost(wakeSeconds, all)
    if (woken !== count) throw new Error(`waking: only ${woken} of ${count} clients had the message`)
    return (await all) - sentAt
  }
  try {
    for (let n = 0; n < warmUp; n++) await wake()
    await quiet(target, settle)
    const before = target.usage()
    const wakeAll: number[] = []
    for (let n = 0; n < messages; n++) wakeAll.push(await wake())
    await quiet(target, settle)
    const after = target.usage()
    const seconds = before && after && after.cpuSeconds - before.cpuSeconds
    return { wakeAll, cpu: seconds && (seconds * 1e6) / (messages * count) }
  } finally {
    await Promise.all(listeners.map(listener => listener.stop()))
  }
}

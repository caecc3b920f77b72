import { type Account, call, createRoom, describe, sendRequest, syncRequest } from '../matrix.ts'
import { interleave, medianRow, type Scenario } from '../scenario.ts'
import type { Target } from '../target.ts'

const messagesPerRoom = 10
const repetitions = 5

interface Outcome {
  /** Milliseconds from the request to the first and to the last byte. */
  firstByte: number
  total: number
  bytes: number
}

/** A client that logs in anew to an account with many rooms. */
export const initialSync: Scenario = {
  name: 'initial-sync',
  async run(bench) {
    bench.progress(`initial-sync: preparing ${bench.rooms} rooms with ${messagesPerRoom} messages each`)
    const account = await accountWithRooms(bench.server, bench.rooms)
    const [echoAccount = account] = await bench.echo.accounts(1)
    // The echo is asked for as many bytes as the server sends, so the server comes first, once.
    const cold = await measure(bench.server, account, 0)
    const extra = `bench_bytes=${cold.bytes}`
    let asked = 0
    const sides = await interleave(bench, repetitions, (target, side) =>
      side === 'server' ? measure(target, account, ++asked) : measure(target, echoAccount, 0, extra),
    )
    const total = medianRow('initial sync: total', 'ms', sides, one => one.total)
    return [
      { ...total, measure: 'initial sync: total, first time', server: cold.total },
      total,
      medianRow('initial sync: first byte', 'ms', sides, one => one.firstByte),
      medianRow('initial sync: size', 'KB', sides, one => one.bytes / 1000),
    ]
  },
}

async function accountWithRooms(target: Target, rooms: number): Promise<Account> {
  // The last account made: the earlier ones already sit in rooms of other scenarios.
  const account = (await target.accounts(target.accountsMade + 1)).at(-1)
  if (account === undefined) throw new Error('no account')
  const names = Array.from({ length: rooms }, (_, n) => `room ${n}`)
  await target.inParallel(names, async (connection, name) => {
    const roomId = await createRoom(connection, account, {
      preset: 'private_chat',
      name,
      topic: `of ${name}`,
    })
    for (let n = 0; n < messagesPerRoom; n++) {
      await call(connection, sendRequest(account, roomId, target.transactionId(), n))
    }
  })
  return account
}

/** @param timeout of no effect on an initial sync, but keeps servers from answering out of a cache of responses */
async function measure(target: Target, account: Account, timeout: number, extra?: string): Promise<Outcome> {
  const connection = target.connection()
  const parts = syncRequest(account, { timeout, extra })
  const startedAt = performance.now()
  const response = await connection.request(parts)
  connection.close()
  if (response.status !== 200) throw new Error(describe(parts, response))
  return {
    firstByte: response.firstByteAt - startedAt,
    total: response.lastByteAt - startedAt,
    bytes: response.body.length,
  }
}

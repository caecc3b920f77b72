import { closedLoop } from '../load.ts'
import { type Account, call, createRoom, json, messagesRequest, sendRequest } from '../matrix.ts'
import { costRows, interleave, medianRow, noteFailures, percentileRow, type Scenario } from '../scenario.ts'
import type { Target } from '../target.ts'

const messages = 300
const pageSize = 50
const readers = 8

/** Readers scroll back through a room with /messages, page after page. */
export const history: Scenario = {
  name: 'history',
  async run(bench) {
    bench.progress(`history: preparing a room with ${messages} messages`)
    const { account, roomId, tokens, bytes } = await prepare(bench.server)
    const [echoAccount = account] = await bench.echo.accounts(1)
    const next = {
      server: (page: number) => messagesRequest(account, roomId, pageSize, tokens[page % tokens.length]),
      echo: () => messagesRequest(echoAccount, roomId, pageSize, undefined, `&bench_bytes=${bytes}`),
    }
    bench.progress(`history: ${bench.rounds} rounds of 2 × ${bench.seconds} s`)
    let page = 0
    const sides = await interleave(bench, bench.rounds, (target, side) =>
      closedLoop(target, { concurrency: readers, seconds: bench.seconds, next: () => next[side](page++) }),
    )
    noteFailures(bench, 'history', sides)
    return [
      medianRow(`history: pages of ${pageSize} events`, '1/s', sides, result => result.perSecond),
      percentileRow('history: answer', 0.99, sides, result => result.latencies),
      ...costRows('history', sides),
    ]
  },
}

interface Prepared {
  account: Account
  roomId: string
  /** Where the full pages begin. */
  tokens: string[]
  /** Size of a full page. */
  bytes: number
}

async function prepare(target: Target): Promise<Prepared> {
  const [account] = await target.accounts(1)
  const connection = target.connection()
  if (account === undefined) throw new Error('no account')
  const roomId = await createRoom(connection, account, { preset: 'private_chat', name: 'history' })
  for (let n = 0; n < messages; n++) {
    await call(connection, sendRequest(account, roomId, target.transactionId(), n))
  }
  const tokens: string[] = []
  let bytes = 0
  let from: string | undefined
  for (let page = 0; page < Math.floor(messages / pageSize); page++) {
    const response = await connection.request(messagesRequest(account, roomId, pageSize, from))
    bytes ||= response.body.length
    const { end } = json(response)
    if (typeof end !== 'string') break
    if (from !== undefined) tokens.push(from)
    from = end
  }
  connection.close()
  if (tokens.length === 0) throw new Error('/messages answered without end before the beginning of the room')
  return { account, roomId, tokens, bytes }
}

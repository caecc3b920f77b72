import {
  type Account,
  call,
  createRoom,
  describe,
  joinRoom,
  nextBatch,
  sendRequest,
  syncRequest,
} from '../matrix.ts'
import type { Row, Scenario } from '../scenario.ts'
import { median } from '../statistics.ts'
import type { Target } from '../target.ts'
import { quiet } from '../waiting.ts'

/** Rooms of the second account, for each of the initial sync. */
const factor = 10
/** Messages in a row that one of the accounts is told, and how often the accounts take turns. */
const messages = 40
const turns = 10

const filter = { room: { timeline: { limit: 10 }, state: { lazy_load_members: true } } }

interface Outcome {
  /** Of the server for sending a message and telling of it, microseconds. */
  cpu: number | undefined
  /** Of the sync, milliseconds. */
  times: number[]
}

/** Whether a sync that tells of one message costs more for whoever is in many rooms. */
export const incrementalSync: Scenario = {
  name: 'incremental-sync',
  async run(bench) {
    const { server } = bench
    const rooms = bench.rooms * factor
    bench.progress(`incremental-sync: preparing ${rooms} rooms`)
    const [one, many] = await accountsIn(server, rooms)
    const outcomes = new Map<Account, Outcome[]>([one, many].map(account => [account, []]))
    const tokens = new Map<Account, string>()
    // The first turn is for warming up.
    for (let turn = 0; turn <= turns; turn++) {
      for (const account of [one, many]) {
        const outcome = await measure(server, { account, roomId: one.roomId, settle: bench.settle }, tokens)
        if (turn > 0) outcomes.get(account)?.push(outcome)
      }
    }
    const rowsOf = (account: Account, what: string): Row[] => {
      const all = outcomes.get(account) ?? []
      const name = `incremental sync, account in ${what}`
      const row = { echo: undefined }
      return [
        { ...row, measure: `${name}: time`, unit: 'ms', server: median(all.flatMap(({ times }) => times)) },
        {
          ...row,
          measure: `${name}: CPU with the send`,
          unit: 'µs',
          server: median(all.map(({ cpu }) => cpu)),
        },
      ]
    }
    return [...rowsOf(one, '1 room'), ...rowsOf(many, `${rooms} rooms`)]
  },
}

interface Seated extends Account {
  roomId: string
}

/** An account in one room, and one in that and many more. */
async function accountsIn(target: Target, rooms: number): Promise<[Seated, Seated]> {
  const [one, many] = (await target.accounts(target.accountsMade + 2)).slice(-2)
  if (one === undefined || many === undefined) throw new Error('no accounts')
  const names = Array.from({ length: rooms - 1 }, (_, n) => `room ${n}`)
  await target.inParallel(names, (connection, name) =>
    createRoom(connection, many, { preset: 'public_chat', name }),
  )
  const [roomId = ''] = await target.inParallel([one], async connection => {
    const id = await createRoom(connection, one, { preset: 'public_chat', name: 'common' })
    await joinRoom(connection, many, id)
    return id
  })
  return [
    { ...one, roomId },
    { ...many, roomId },
  ]
}

async function measure(
  target: Target,
  { account, roomId, settle }: { account: Account; roomId: string; settle: number },
  tokens: Map<Account, string>,
): Promise<Outcome> {
  const connection = target.connection()
  const sync = async (since: string | undefined): Promise<string> => {
    const parts = syncRequest(account, { filter, since, timeout: 10_000 })
    const response = await connection.request(parts)
    if (response.status !== 200) throw new Error(describe(parts, response))
    return nextBatch(response.body.toString())
  }
  try {
    // Up to here, what the other one was told.
    let since = await sync(tokens.get(account))
    await quiet(target, settle)
    const before = target.usage()
    const times: number[] = []
    for (let n = 0; n < messages; n++) {
      await call(connection, sendRequest(account, roomId, target.transactionId(), n))
      const startedAt = performance.now()
      since = await sync(since)
      times.push(performance.now() - startedAt)
    }
    tokens.set(account, since)
    await quiet(target, settle)
    const after = target.usage()
    const seconds = before && after && after.cpuSeconds - before.cpuSeconds
    return { times, cpu: seconds && (seconds * 1e6) / messages }
  } finally {
    connection.close()
  }
}

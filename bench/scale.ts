import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { formatStreamToken } from '../src/core/stream-token.ts'
import { openDatabase } from '../src/storage/open.ts'
import type { RequestParts } from './connection.ts'
import { freePort } from './free-port.ts'
import { type Account, call, createRoom, describe, messagesRequest, sendRequest } from './matrix.ts'
import { type Started, spawnServer } from './spawn.ts'
import { percentile } from './statistics.ts'
import { Target } from './target.ts'

/**
 * What big rooms and a big directory cost: `/messages` at several depths of a room with many events, and a search of the
 * directory with many rooms. The server makes one of each; the database then multiplies them, which takes minutes
 * rather than hours. `node bench/scale.ts [events of the room (200,000)] [public rooms (10,000)]`
 */
const EVENTS = Number(process.argv[2] ?? 200_000)
const ROOMS = Number(process.argv[3] ?? 10_000)
const REPEATED = 50
const PAGE = 50
/** Beyond every nid that the server gives out in so short a time. */
const FIRST_NID = 1_000_000_000

const directory = mkdtempSync(join(tmpdir(), 'tessera-scale-'))
const secret = randomBytes(24).toString('hex')

const start = async (): Promise<{ started: Started; target: Target }> => {
  const port = await freePort()
  const program = resolve(import.meta.dirname, '../bin/tessera.js')
  const url = `http://127.0.0.1:${port}`
  const started = await spawnServer(`exec '${process.execPath}' '${program}' serve`, url, {
    TESSERA_DATA: directory,
    PORT: String(port),
    TESSERA__REGISTRATION__SHARED_SECRET: secret,
    TESSERA__RATE_LIMITS__ENABLED: 'false',
  })
  const registration = { kind: 'shared-secret', secret } as const
  return { started, target: new Target({ name: 'Tessera', url, pids: [started.pid], registration }) }
}

interface Prepared {
  readonly account: Account
  readonly roomId: string
  readonly publicRoomId: string
}

const prepare = async (target: Target): Promise<Prepared> => {
  const [account] = await target.accounts(1)
  if (account === undefined) throw new Error('no account')
  const connection = target.connection()
  const roomId = await createRoom(connection, account, { preset: 'public_chat', name: 'deep' })
  await call(connection, sendRequest(account, roomId, target.transactionId(), 1))
  const publicRoomId = await createRoom(connection, account, {
    ...{ preset: 'public_chat', name: 'Room number one', topic: 'What everybody talks about' },
    visibility: 'public',
  })
  connection.close()
  return { account, roomId, publicRoomId }
}

const numbers = 'WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?)'

/** The room's one message becomes its history before, and the public room many of the same. */
const multiply = async ({ roomId, publicRoomId }: Prepared): Promise<void> => {
  const database = await openDatabase({ kind: 'sqlite', path: join(directory, 'homeserver.db') })
  const insert = (sql: string, ...parameters: (string | number)[]) => ({
    prepared: database.prepare(`INSERT INTO ${sql}`),
    rows: [parameters],
  })
  const message = `FROM n, events e JOIN rooms r ON r.room_nid = e.room_nid
    WHERE r.room_id = ? AND e.type = 'm.room.message'`
  await database.commit({
    statements: [
      insert(
        `event_json (event_nid, json) ${numbers} SELECT ${FIRST_NID} + i,
           (SELECT j.json FROM event_json j WHERE j.event_nid = e.event_nid) ${message}`,
        EVENTS,
        roomId,
      ),
      insert(
        `events (event_nid, event_id, room_nid, position, type, sender, depth, origin_server_ts, soft_failed, generation)
         ${numbers} SELECT ${FIRST_NID} + i, '$' || i, e.room_nid, -i, e.type, e.sender, e.depth,
           e.origin_server_ts - i, 0, e.generation ${message}`,
        EVENTS,
        roomId,
      ),
      insert(
        `streams (name, position) VALUES ('backfill', ?) ON CONFLICT (name) DO UPDATE SET position = excluded.position`,
        EVENTS,
      ),
    ],
  })
  await database.commit({
    statements: [
      insert(
        `rooms (room_nid, room_id, version, head_version, is_public, creator, created_ts)
         ${numbers} SELECT ${FIRST_NID} + i, '!' || i || ':localhost', version, head_version, 1, creator, created_ts
         FROM n, rooms WHERE room_id = ?`,
        ROOMS,
        publicRoomId,
      ),
      insert(
        `room_summaries (room_nid, is_public, is_open, joined, room_type, search_text, summary)
         ${numbers} SELECT ${FIRST_NID} + i, 1, is_open, 1 + i % 500, room_type, search_text || ' ' || i, summary
         FROM n, room_summaries s JOIN rooms r ON r.room_nid = s.room_nid WHERE r.room_id = ?`,
        ROOMS,
        publicRoomId,
      ),
    ],
  })
  await database.close()
}

/** Milliseconds of each answer, one request after another. */
const timed = async (target: Target, parts: RequestParts, wanted: RegExp): Promise<number[]> => {
  const connection = target.connection()
  const times: number[] = []
  for (let i = 0; i < REPEATED; i++) {
    const since = performance.now()
    const response = await connection.request(parts)
    times.push(response.lastByteAt - since)
    const text = response.body.toString()
    if (response.status !== 200 || (text.match(wanted)?.length ?? 0) === 0)
      throw new Error(describe(parts, response))
  }
  connection.close()
  return times
}

const row = (what: string, times: readonly number[]): Record<string, string> => ({
  what,
  'p50, ms': percentile(times, 0.5)?.toFixed(2) ?? '',
  'p99, ms': percentile(times, 0.99)?.toFixed(2) ?? '',
})

let running = await start()
try {
  const prepared = await prepare(running.target)
  await running.started.stop()
  process.stderr.write(`scale: ${EVENTS} events, ${ROOMS} rooms\n`)
  await multiply(prepared)
  running = await start()
  const { account, roomId } = prepared
  const rows: Record<string, string>[] = []
  for (const part of [0, 0.01, 0.5, 0.99]) {
    const from = formatStreamToken({ events: -Math.round(EVENTS * part) - 1 })
    const parts = messagesRequest(account, roomId, PAGE, from)
    const times = await timed(running.target, parts, /bench_number/g)
    rows.push(row(`/messages, ${part * 100} % of ${EVENTS} events back`, times))
  }
  for (const term of ['number one', 'one 4711', 'nowhere']) {
    const parts: RequestParts = {
      method: 'POST',
      path: '/_matrix/client/v3/publicRooms',
      token: account.token,
      body: JSON.stringify({ limit: 20, filter: { generic_search_term: term } }),
    }
    const times = await timed(running.target, parts, /"chunk"/g)
    rows.push(row(`page of ${ROOMS} public rooms that match "${term}"`, times))
  }
  console.table(rows)
} finally {
  await running.started.stop()
  rmSync(directory, { recursive: true, force: true })
}

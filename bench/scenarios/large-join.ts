import { readFile } from 'node:fs/promises'
import { Connection } from '../connection.ts'
import { type Joiner, type JoinerKind, startJoiner } from '../joiners.ts'
import { LargeRoom } from '../large-room.ts'
import { pause } from '../load.ts'
import { type Account, call } from '../matrix.ts'
import { processUsage } from '../process-usage.ts'
import { register } from '../registration.ts'
import type { Row, Scenario } from '../scenario.ts'

/** What neighbours on the machine hold up an idle server by, they hold up a busy one by as well. */
const IDLE_S = 5
/** It takes longer than this only if something is wrong. */
const LIMIT_S = 600

/**
 * Joining a room of many members that another server on this machine tells of. It starts a server of its own, which is
 * told whose certificates it may trust.
 */
export const largeJoin: Scenario = {
  name: 'large-join',
  startsItsOwn: ['tessera', 'synapse'],
  async run(bench) {
    bench.progress(`large-join: making a room with ${bench.members} members`)
    const room = await LargeRoom.start(bench.members)
    const rows: Row[] = []
    try {
      for (const omits of [true, false]) {
        room.omitsMembers = omits
        const what = omits ? 'large join' : 'large join, all members at once'
        bench.progress(`${what}: joining`)
        rows.push(...(await measured(room, what, bench.kind)))
      }
    } finally {
      await room.close()
    }
    return rows
  },
}

async function measured(room: LargeRoom, what: string, kind: JoinerKind): Promise<Row[]> {
  const server = await startJoiner(room, kind)
  try {
    return await joining(server, room, what)
  } finally {
    await server.stop()
  }
}

async function joining(server: Joiner, room: LargeRoom, what: string): Promise<Row[]> {
  const connection = new Connection(server.url)
  const account = await register(connection, server.registration, `joiner${Date.now()}`)
  await scrape(server)
  await pause(IDLE_S)
  const idle = await scrape(server)
  const [before, databaseBefore] = cpuOf(server)
  const delays: number[] = []
  const watching = new AbortController()
  const watched = watch(server, delays, watching.signal).catch(() => undefined)
  const startedAt = performance.now()
  const since = Date.now()
  const path = `/_matrix/client/v3/join/${encodeURIComponent(room.roomId)}?server_name=${encodeURIComponent(room.peer.serverName)}`
  await request(connection, account, 'POST', path, {})
  const joined = performance.now() - startedAt
  const message = { msgtype: 'm.text', body: 'hello' }
  const send = `/_matrix/client/v3/rooms/${encodeURIComponent(room.roomId)}/send/m.room.message/1`
  await request(connection, account, 'PUT', send, message)
  const talking = performance.now() - startedAt
  // Nobody knows that somebody is not a member before all members are known: until then this waits.
  const nobody = `/_matrix/client/v3/rooms/${encodeURIComponent(room.roomId)}/state/m.room.member/${encodeURIComponent('@nobody:peer.test')}`
  for (;;) {
    const { status } = await connection.request({ method: 'GET', path: nobody, token: account.token })
    if (status === 404) break
    if (performance.now() - startedAt > LIMIT_S * 1000) throw new Error('the room does not become complete')
    await pause(0.2)
  }
  const complete = performance.now() - startedAt
  watching.abort()
  await watched
  connection.close()
  const [after, databaseAfter] = cpuOf(server)
  const row = (measure: string, unit: string, value: number): Row => ({
    ...{ measure: `${what}: ${measure}`, unit, server: value, echo: undefined },
  })
  const turn = await longestTurn(server, since)
  return [
    row('answer to the join', 'ms', joined),
    row('first message sent', 'ms', talking),
    row('all members known', 'ms', complete),
    row('server CPU, all threads', 's', after - before),
    ...(server.databasePid === undefined
      ? []
      : [row('CPU of the database server', 's', databaseAfter - databaseBefore)]),
    ...(turn === undefined ? [] : [row('longest turn of the event loop, its own CPU', 'ms', turn)]),
    ...(idle === undefined
      ? []
      : [
          row('longest hold-up of the event loop', 'ms', Math.max(...delays)),
          row(`longest hold-up of the event loop in ${IDLE_S} idle seconds before`, 'ms', idle),
        ]),
    row('memory at its peak', 'MB', (await peakBytes(server.pid)) / 1e6),
  ]
}

async function request(
  connection: Connection,
  { token }: Account,
  method: 'GET' | 'POST' | 'PUT',
  path: string,
  body?: object,
): Promise<Record<string, unknown>> {
  return call(connection, {
    ...{ method, path, token },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  })
}

/** Seconds of CPU of the server and of its database. */
function cpuOf({ pid, databasePid }: Joiner): readonly [number, number] {
  const seconds = (pids: readonly number[]) => processUsage(pids)?.cpuSeconds ?? Number.NaN
  return [seconds([pid]), databasePid === undefined ? 0 : seconds([databasePid])]
}

/** Asks for the longest delay of the event loop since it was last asked, until the signal comes. */
async function watch(server: Joiner, delays: number[], signal: AbortSignal): Promise<void> {
  for (let isOver = false; !isOver; ) {
    isOver = signal.aborted
    delays.push((await scrape(server)) ?? 0)
    await pause(0.25)
  }
}

/** Milliseconds; of servers that tell. */
async function scrape({ url }: Joiner): Promise<number | undefined> {
  const text = await (await fetch(`${url}/metrics`)).text()
  const found = /^nodejs_eventloop_lag_max_seconds ([\d.e+-]+)$/m.exec(text)
  return found === null ? undefined : Number(found[1]) * 1000
}

/** Milliseconds of CPU of the longest turn since an instant. */
async function longestTurn({ turnsFile }: Joiner, since: number): Promise<number | undefined> {
  if (turnsFile === undefined) return undefined
  const text = await readFile(turnsFile, 'utf8').catch(() => '')
  const turns = text.split('\n').map(line => line.split(' ').map(Number))
  return Math.max(0, ...turns.flatMap(([at = 0, milliseconds = 0]) => (at >= since ? milliseconds : [])))
}

async function peakBytes(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8')
  return Number(/^VmHWM:\s+(\d+) kB/m.exec(status)?.[1]) * 1024
}

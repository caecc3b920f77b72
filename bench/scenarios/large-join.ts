import { randomBytes } from 'node:crypto'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { testAuthority } from '../../src/test-kit/tls.ts'
import { Connection } from '../connection.ts'
import { freePort } from '../free-port.ts'
import { LargeRoom } from '../large-room.ts'
import { pause } from '../load.ts'
import { type Account, call } from '../matrix.ts'
import { processUsage } from '../process-usage.ts'
import { register } from '../registration.ts'
import type { Row, Scenario } from '../scenario.ts'
import { type Started, spawnServer } from '../spawn.ts'

const MEMBERS = 20_000
/** What neighbours on the machine hold up an idle server by, they hold up a busy one by as well. */
const IDLE_S = 5
/** It takes longer than this only if something is wrong. */
const LIMIT_S = 120

/**
 * Joining a room of 20,000 members that another server on this machine tells of. It starts a server of its own, always
 * Tessera: others are not told where the peer is to be found.
 */
export const largeJoin: Scenario = {
  name: 'large-join',
  onlyTessera: true,
  async run(bench) {
    bench.progress(`large-join: making a room with ${MEMBERS} members`)
    const room = await LargeRoom.start(MEMBERS)
    const rows: Row[] = []
    try {
      for (const omits of [true, false]) {
        room.omitsMembers = omits
        const what = omits ? 'large join' : 'large join, all members at once'
        bench.progress(`${what}: joining`)
        rows.push(...(await measured(room, what)))
      }
    } finally {
      await room.close()
    }
    return rows
  },
}

async function measured(room: LargeRoom, what: string): Promise<Row[]> {
  const server = await startJoiner(room)
  try {
    return await joining(server, room, what)
  } finally {
    await server.stop()
  }
}

async function joining(server: Joiner, room: LargeRoom, what: string): Promise<Row[]> {
  const connection = new Connection(server.url)
  const account = await register(
    connection,
    { kind: 'shared-secret', secret: server.secret },
    `joiner${Date.now()}`,
  )
  await scrape(server)
  await pause(IDLE_S)
  const idle = await scrape(server)
  const before = processUsage([server.pid])?.cpuSeconds ?? Number.NaN
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
  const row = (measure: string, unit: string, value: number): Row => ({
    ...{ measure: `${what}: ${measure}`, unit, server: value, echo: undefined },
  })
  return [
    row('answer to the join', 'ms', joined),
    row('first message sent', 'ms', talking),
    row('all members known', 'ms', complete),
    row('server CPU, all threads', 's', (processUsage([server.pid])?.cpuSeconds ?? Number.NaN) - before),
    row('longest turn of the event loop, its own CPU', 'ms', await longestTurn(server, since)),
    row('longest hold-up of the event loop', 'ms', Math.max(...delays)),
    row(`longest hold-up of the event loop in ${IDLE_S} idle seconds before`, 'ms', idle),
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

/** Asks for the longest delay of the event loop since it was last asked, until the signal comes. */
async function watch(server: Joiner, delays: number[], signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    delays.push(await scrape(server))
    await pause(0.25)
  }
  delays.push(await scrape(server))
}

/** Milliseconds. */
async function scrape({ url }: Started): Promise<number> {
  const text = await (await fetch(`${url}/metrics`)).text()
  return Number(/^nodejs_eventloop_lag_max_seconds ([\d.e+-]+)$/m.exec(text)?.[1] ?? Number.NaN) * 1000
}

/** Milliseconds of CPU of the longest turn since an instant. */
async function longestTurn({ turnsFile }: Joiner, since: number): Promise<number> {
  const text = await readFile(turnsFile, 'utf8').catch(() => '')
  const turns = text.split('\n').map(line => line.split(' ').map(Number))
  return Math.max(0, ...turns.flatMap(([at = 0, milliseconds = 0]) => (at >= since ? milliseconds : [])))
}

async function peakBytes(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8')
  return Number(/^VmHWM:\s+(\d+) kB/m.exec(status)?.[1]) * 1024
}

interface Joiner extends Started {
  readonly secret: string
  /** Where `turns.ts` writes. */
  readonly turnsFile: string
}

async function startJoiner(room: LargeRoom): Promise<Joiner> {
  const directory = await mkdtemp(join(tmpdir(), 'tessera-bench-'))
  const clean = () => rm(directory, { recursive: true, force: true })
  const port = await freePort()
  const secret = randomBytes(24).toString('hex')
  const caFile = join(directory, 'ca.pem')
  await writeFile(caFile, (await testAuthority()).pem)
  const settings = {
    server_name: 'joiner.test',
    data_directory: directory,
    listeners: [{ host: '127.0.0.1', port }],
    ca_file: caFile,
    federation: { deny_addresses: [], hosts: Object.fromEntries([room.peer.hostsEntry]) },
    registration: { shared_secret: secret },
    rate_limits: { enabled: false },
  }
  const file = join(directory, 'tessera.yaml')
  // JSON is YAML.
  await writeFile(file, JSON.stringify(settings))
  const turnsFile = join(directory, 'turns')
  const watcher = resolve(import.meta.dirname, '../turns.ts')
  const program = resolve(import.meta.dirname, '../../bin/tessera.js')
  const command = `exec '${process.execPath}' --import '${watcher}' '${program}' serve --config '${file}'`
  try {
    const started = await spawnServer(command, `http://127.0.0.1:${port}`, {
      TESSERA_BENCH_TURNS: turnsFile,
    })
    return { ...started, secret, turnsFile, stop: () => started.stop().then(clean) }
  } catch (error) {
    await clean()
    throw error
  }
}

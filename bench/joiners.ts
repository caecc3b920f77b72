/** Servers that join a room which the scripted peer has, each started anew and alone. */
import { randomBytes } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { startPostgres } from '../scripts/postgres.ts'
import { startSynapse } from '../scripts/synapse.ts'
import { testAuthority } from '../src/test-kit/tls.ts'
import { freePort } from './free-port.ts'
import type { LargeRoom } from './large-room.ts'
import type { RegistrationWay } from './registration.ts'
import { type Started, spawnServer } from './spawn.ts'

/** What is to join, and where it keeps its data. */
export interface JoinerKind {
  readonly synapse: boolean
  /** As on the command line: `postgres` is one of its own, whose commits reach the disk. */
  readonly database: string | undefined
}

export interface Joiner extends Started {
  readonly registration: RegistrationWay
  /** That of its database, where that is a process of its own. */
  readonly databasePid: number | undefined
  /** Where `turns.ts` writes, in a server that can be told to load it. */
  readonly turnsFile: string | undefined
}

const SERVER_NAME = 'joiner.test'

/** Starts a server that trusts the room's peer, whose name has its port in it: both kinds find it by that. */
export const startJoiner = async (room: LargeRoom, { synapse, database }: JoinerKind): Promise<Joiner> => {
  const directory = await mkdtemp(join(tmpdir(), 'tessera-bench-'))
  const postgres = database === 'postgres' ? await startPostgres({ fsync: true }) : undefined
  const clean = async () => {
    await postgres?.stop()
    await rm(directory, { recursive: true, force: true })
  }
  const caFile = join(directory, 'ca.pem')
  await writeFile(caFile, (await testAuthority()).pem)
  const means = { directory, caFile, databaseUrl: postgres?.url }
  try {
    const started = synapse ? await startTheirs(means) : await startOurs(room, means)
    return { ...started, databasePid: postgres?.pid, stop: () => started.stop().then(clean) }
  } catch (error) {
    await clean()
    throw error
  }
}

interface Means {
  readonly directory: string
  readonly caFile: string
  readonly databaseUrl: string | undefined
}

const startTheirs = async ({ caFile, databaseUrl }: Means): Promise<Omit<Joiner, 'databasePid'>> => {
  const started = await startSynapse({ serverName: SERVER_NAME, port: await freePort(), caFile, databaseUrl })
  return { ...started, registration: { kind: 'open' }, turnsFile: undefined }
}

const startOurs = async (
  room: LargeRoom,
  { directory, caFile, databaseUrl }: Means,
): Promise<Omit<Joiner, 'databasePid'>> => {
  const port = await freePort()
  const secret = randomBytes(24).toString('hex')
  const settings = {
    server_name: SERVER_NAME,
    data_directory: directory,
    listeners: [{ host: '127.0.0.1', port }],
    ca_file: caFile,
    federation: { deny_addresses: [], hosts: Object.fromEntries([room.peer.hostsEntry]) },
    registration: { shared_secret: secret },
    rate_limits: { enabled: false },
    ...(databaseUrl === undefined ? {} : { database: { url: databaseUrl } }),
  }
  const file = join(directory, 'tessera.yaml')
  // JSON is YAML.
  await writeFile(file, JSON.stringify(settings))
  const turnsFile = join(directory, 'turns')
  const watcher = resolve(import.meta.dirname, 'turns.ts')
  const program = resolve(import.meta.dirname, '../bin/tessera.js')
  const command = `exec '${process.execPath}' --import '${watcher}' '${program}' serve --config '${file}'`
  const started = await spawnServer(command, `http://127.0.0.1:${port}`, { TESSERA_BENCH_TURNS: turnsFile })
  return { ...started, registration: { kind: 'shared-secret', secret }, turnsFile }
}

import { randomBytes } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startPostgres, type ThrowawayPostgres } from '../scripts/postgres.ts'
import { startSynapse } from '../scripts/synapse.ts'
import type { Arguments } from './arguments.ts'
import { freePort } from './free-port.ts'
import { programOf } from './program.ts'
import { spawnServer } from './spawn.ts'
import type { TargetOptions } from './target.ts'

/** The server to be measured, and how to be rid of it. */
export interface Subject extends TargetOptions {
  /** Whether this run started it, so that its memory is that of a fresh server. */
  fresh: boolean
  stop(): Promise<void>
}

/** Finds or starts what the command line asks for. @throws Error when it does not come up */
export async function findSubject(given: Arguments): Promise<Subject> {
  if (given.synapse) return synapse(given)
  if (given.url === undefined) return startTessera(given)
  const { url, registration } = given
  const name = given.name ?? url
  if (given.spawn === undefined) {
    return { name, url, pids: given.pids, registration, fresh: false, stop: async () => {} }
  }
  const started = await spawnServer(given.spawn, url)
  return { ...started, name, pids: [started.pid], registration, fresh: true }
}

async function synapse({
  name = 'Synapse',
  database,
}: Pick<Arguments, 'name' | 'database'>): Promise<Subject> {
  const postgres = await databaseServer(database)
  const started = await startSynapse({
    ...{ serverName: 'localhost', port: await freePort(), databaseUrl: postgres?.url },
  }).catch(async error => {
    await postgres?.stop()
    throw error
  })
  return {
    ...{ name, url: started.url, pids: [started.pid], registration: { kind: 'open' }, fresh: true },
    ...(postgres === undefined ? {} : { databasePids: [postgres.pid] }),
    stop: () => started.stop().then(() => postgres?.stop()),
  }
}

/** A PostgreSQL of its own, if that is wanted. */
async function databaseServer(database: string | undefined): Promise<ThrowawayPostgres | undefined> {
  if (database !== 'postgres') return undefined
  const server = await startPostgres({ fsync: true })
  if (server === undefined) throw new Error('PostgreSQL is not installed')
  return server
}

/** Our own server as people start it (`npm start`): its defaults, but every rate limit off. */
export async function startTessera({
  name = 'Tessera',
  database,
  workers,
}: Pick<Arguments, 'name' | 'database' | 'workers'>): Promise<Subject> {
  const postgres = await databaseServer(database)
  const databaseUrl = postgres?.url ?? database
  const directory = await mkdtemp(join(tmpdir(), 'tessera-bench-'))
  const port = await freePort()
  const secret = randomBytes(24).toString('hex')
  const { path, bundle } = programOf('start')
  const command = `exec '${process.execPath}' '${path}' serve --workers ${workers}`
  const clean = async () => {
    await postgres?.stop()
    await rm(directory, { recursive: true, force: true })
  }
  const started = await spawnServer(command, `http://127.0.0.1:${port}`, {
    TESSERA_BUNDLE: bundle,
    TESSERA_DATA: directory,
    PORT: String(port),
    TESSERA__REGISTRATION__SHARED_SECRET: secret,
    TESSERA__RATE_LIMITS__ENABLED: 'false',
    ...(databaseUrl === undefined ? {} : { TESSERA__DATABASE__URL: databaseUrl }),
  }).catch(async error => {
    await clean()
    throw error
  })
  return {
    ...started,
    name,
    pids: [started.pid],
    ...(postgres === undefined ? {} : { databasePids: [postgres.pid] }),
    registration: { kind: 'shared-secret', secret },
    fresh: true,
    stop: () => started.stop().then(clean),
  }
}

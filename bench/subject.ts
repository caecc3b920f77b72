import { randomBytes } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startPostgres } from '../scripts/postgres.ts'
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
  if (given.synapse) return synapse(given.name ?? 'Synapse')
  if (given.url === undefined) return startTessera(given)
  const { url, registration } = given
  const name = given.name ?? url
  if (given.spawn === undefined) {
    return { name, url, pids: given.pids, registration, fresh: false, stop: async () => {} }
  }
  const started = await spawnServer(given.spawn, url)
  return { ...started, name, pids: [started.pid], registration, fresh: true }
}

async function synapse(name: string): Promise<Subject> {
  const { url, pid, stop } = await startSynapse({ serverName: 'localhost', port: await freePort() })
  return { name, url, pids: [pid], registration: { kind: 'open' }, fresh: true, stop }
}

/** Our own server as people start it (`npm start`): its defaults, but every rate limit off. */
export async function startTessera({
  name = 'Tessera',
  database,
  workers,
}: Pick<Arguments, 'name' | 'database' | 'workers'>): Promise<Subject> {
  const postgres = database === 'postgres' ? await startPostgres({ fsync: true }) : undefined
  if (database === 'postgres' && postgres === undefined) throw new Error('PostgreSQL is not installed')
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

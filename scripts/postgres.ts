import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chownSync, existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'

/**
 * A PostgreSQL server to be thrown away, for tests and benchmarks. `node scripts/postgres.ts` runs one until it is
 * interrupted and prints its URL.
 */
export interface ThrowawayPostgres {
  readonly url: string
  /** The server's process, whose children are those of its connections. */
  readonly pid: number
  /**
   * Stops the server over its clients' heads and starts it on the same data: `fast` as a service manager does, who has
   * transactions rolled back, `immediate` as a power cut does, after which it recovers from its log. Resolves once it answers.
   */
  restart(mode: 'fast' | 'immediate'): Promise<void>
  stop(): Promise<void>
}

export interface PostgresSettings {
  /** Whether commits reach the disk; off unless a benchmark asks for it. */
  readonly fsync?: boolean
}

const READY_WITHIN_MS = 30_000

/** Starts a server in a temporary directory, reached through a socket in it; `undefined` where none is installed. */
export const startPostgres = async (
  settings: PostgresSettings = {},
): Promise<ThrowawayPostgres | undefined> => {
  const binaries = findBinaries()
  if (binaries === undefined) return undefined
  const identity = unprivileged()
  const directory = mkdtempSync(join(tmpdir(), 'tessera-postgres-'))
  if (identity !== undefined) chownSync(directory, identity.uid, identity.gid)
  const data = join(directory, 'data')
  makeCluster(join(binaries, 'initdb'), data, identity)

  let complaints = ''
  const start = (): ChildProcess => {
    const started = spawn(join(binaries, 'postgres'), ['-D', data, ...serverOptions(directory, settings)], {
      ...identity,
      cwd: directory,
      stdio: ['ignore', 'ignore', 'pipe'],
    })
    started.stderr?.on('data', (chunk: Buffer) => {
      complaints = (complaints + chunk.toString()).slice(-4000)
    })
    return started
  }
  const url = `postgres://postgres@localhost/postgres?host=${encodeURIComponent(directory)}`
  let server = start()
  const stop = async () => {
    await end(server, 'immediate')
    rmSync(directory, { recursive: true, force: true })
  }
  const begun = async () => {
    if (await answers(url, server)) return
    await stop()
    throw new Error(`PostgreSQL did not start: ${complaints}`)
  }
  await begun()
  const restart = async (mode: 'fast' | 'immediate') => {
    await end(server, mode)
    server = start()
    await begun()
  }
  return {
    url,
    get pid() {
      return server.pid ?? 0
    },
    restart,
    stop,
  }
}

/** Whether there is a server to start. */
export const isPostgresInstalled = (): boolean => findBinaries() !== undefined

/** The folder of the server's programs: on the path, or where Debian keeps them (the newest version). */
const findBinaries = (): string | undefined => {
  const debian = '/usr/lib/postgresql'
  const versions = existsSync(debian) ? readdirSync(debian).sort((a, b) => Number(b) - Number(a)) : []
  const folders = [
    ...(process.env['PATH'] ?? '').split(delimiter),
    ...versions.map(version => join(debian, version, 'bin')),
  ]
  return folders.find(folder => existsSync(join(folder, 'initdb')) && existsSync(join(folder, 'postgres')))
}

/** Whom the server runs as: it refuses to be root. */
const unprivileged = (): { uid: number; gid: number } | undefined => {
  if (process.getuid?.() !== 0) return undefined
  for (const user of ['postgres', 'nobody']) {
    try {
      const id = (flag: string) =>
        Number(execFileSync('id', [flag, user], { stdio: ['ignore', 'pipe', 'ignore'] }))
      return { uid: id('-u'), gid: id('-g') }
    } catch {
      // No such user: the next one.
    }
  }
  throw new Error('PostgreSQL cannot run as root, and there is neither a user postgres nor nobody')
}

/**
 * Where the server can, its default order of text is that of a language, so that a column which forgot to ask for
 * bytewise order is found out.
 */
const makeCluster = (
  initdb: string,
  data: string,
  identity: { uid: number; gid: number } | undefined,
): void => {
  const common = ['-D', data, '-U', 'postgres', '-A', 'trust', '-E', 'UTF8', '--no-sync', '--locale=C.UTF-8']
  const options = { ...identity, cwd: tmpdir(), stdio: 'pipe' } as const
  try {
    execFileSync(initdb, [...common, '--locale-provider=icu', '--icu-locale=en-US'], options)
  } catch {
    rmSync(data, { recursive: true, force: true })
    execFileSync(initdb, common, options)
  }
}

/**
 * What nobody minds who throws the data away, and has hardly any: what helps with a plan is a process more, which knows no table yet, and to
 * begin one takes longer than to read a hundred small tables.
 */
const FOR_TESTS = ['fsync=off', 'full_page_writes=off', 'autovacuum=off', 'max_parallel_workers_per_gather=0']

const serverOptions = (directory: string, { fsync = false }: PostgresSettings): string[] => [
  '-k',
  directory,
  ...[
    'listen_addresses=',
    'max_connections=400',
    'shared_buffers=128MB',
    'wal_level=minimal',
    'max_wal_senders=0',
    ...(fsync ? [] : FOR_TESTS),
  ].flatMap(setting => ['-c', setting]),
]

const answers = async (url: string, server: ChildProcess): Promise<boolean> => {
  for (let waited = 0; waited < READY_WITHIN_MS && server.exitCode === null; waited += 50) {
    const client = new pg.Client(url)
    client.on('error', () => undefined)
    try {
      await client.connect()
      await client.end()
      return true
    } catch {
      await sleep(50)
    }
  }
  return false
}

/** Data that is thrown away needs no better end than `immediate`. */
const end = async (server: ChildProcess, mode: 'fast' | 'immediate'): Promise<void> => {
  if (server.exitCode !== null || server.signalCode !== null) return
  const exited = once(server, 'exit')
  server.kill(mode === 'fast' ? 'SIGINT' : 'SIGQUIT')
  await exited
}

if (import.meta.main) {
  const server = await startPostgres()
  if (server === undefined) {
    console.error('PostgreSQL is not installed')
    process.exitCode = 1
  } else {
    console.log(server.url)
    // The timer keeps the process alive: waiting for a signal does not.
    const alive = setInterval(() => undefined, 60_000)
    await Promise.race([once(process, 'SIGINT'), once(process, 'SIGTERM')])
    clearInterval(alive)
    await server.stop()
  }
}

/**
 * Synapse, installed from PyPI into a virtual environment of its own, for comparison and interoperability tests.
 * Development only: the server never needs it, no package.json entry names it, and nothing is installed before
 * the first call. By hand: `node scripts/synapse.ts --server-name localhost --port 8008` (Ctrl-C stops it).
 */
import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { existsSync, openSync } from 'node:fs'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { parseArgs, promisify } from 'node:util'
import pg from 'pg'
import { logConfig, SYNAPSE_DATABASE, synapseConfig } from './synapse-config.ts'

const run = promisify(execFile)

/** Longer than that no package index is waited for. */
const INSTALLATION_MS = 5 * 60_000

/** Seconds that a fresh Synapse gets to answer; creating its SQLite schema takes two to five of them. */
const startupSeconds = 60

export interface SynapseOptions {
  /** The permanent name; with a port in it (`localhost:8448`) no name resolution is needed for federation. */
  serverName: string
  /** Plain HTTP on the loopback address: client and federation API. */
  port: number
  /** A second listener with TLS, also both APIs; the files are PEM. */
  tls?: { port: number; certificateFile: string; keyFile: string } | undefined
  /** PEM file of the authority that signed the certificates of the other servers. */
  caFile?: string | undefined
  /** A PostgreSQL server, in which it gets a database of its own; otherwise SQLite. */
  databaseUrl?: string | undefined
  /** Further settings of homeserver.yaml; they win over ours. */
  settings?: Record<string, unknown> | undefined
}

export interface RunningSynapse {
  /** Base URL of the plain listener, without a trailing slash. */
  url: string
  /** Secret of the shared-secret registration endpoint (`/_synapse/admin/v1/register`). */
  registerSharedSecret: string
  pid: number
  /** Directory with its configuration, database and log; `stop` removes it. */
  directory: string
  /** Ends the process, waits for that, removes the directory. Calling it twice is harmless. */
  stop(): Promise<void>
}

/** @returns where the virtual environment is, or will be; `SYNAPSE_VENV` overrides it. */
export function synapseEnvironment(): string {
  return resolve(
    process.env['SYNAPSE_VENV'] ?? join(import.meta.dirname, '../node_modules/.cache/synapse-venv'),
  )
}

/**
 * Installs Synapse unless it is there already (20 to 60 s once, 240 MB).
 * `PYTHON` names the interpreter (default `python3`), `SYNAPSE_VERSION` an exact version (default: the newest).
 * @returns the interpreter of the virtual environment
 * @throws Error when there is no Python with `venv`, or when the package index does not answer within five minutes
 */
export async function installSynapse(): Promise<string> {
  const environment = synapseEnvironment()
  const python = join(environment, 'bin/python')
  if (existsSync(join(environment, 'bin/synapse_homeserver'))) return python
  const version = process.env['SYNAPSE_VERSION']
  process.stderr.write(`Installing matrix-synapse into ${environment} …\n`)
  await run(process.env['PYTHON'] ?? 'python3', ['-m', 'venv', environment])
  const requirement = version === undefined ? 'matrix-synapse' : `matrix-synapse==${version}`
  await run(python, ['-m', 'pip', 'install', '--quiet', requirement], {
    maxBuffer: 1 << 24,
    timeout: INSTALLATION_MS,
  })
  return python
}

/**
 * Starts a Synapse of its own in a temporary directory, and waits until it answers.
 * @throws Error with the end of its log when it does not come up
 */
export async function startSynapse(options: SynapseOptions): Promise<RunningSynapse> {
  const python = await installSynapse()
  if (options.databaseUrl !== undefined) await prepareDatabase(python, options.databaseUrl)
  const directory = await mkdtemp(join(tmpdir(), 'synapse-'))
  const registerSharedSecret = randomBytes(24).toString('hex')
  await writeFiles(directory, options, registerSharedSecret)
  const log = openSync(join(directory, 'output.log'), 'a')
  const child = spawn(python, ['-m', 'synapse.app.homeserver', '-c', join(directory, 'homeserver.yaml')], {
    cwd: directory,
    stdio: ['ignore', log, log],
  })
  const killWithParent = () => child.kill('SIGKILL')
  process.once('exit', killWithParent)
  let stopped: Promise<void> | undefined
  const stop = () => {
    stopped ??= end(child).then(() => {
      process.off('exit', killWithParent)
      return rm(directory, { recursive: true, force: true })
    })
    return stopped
  }
  const url = `http://127.0.0.1:${options.port}`
  try {
    await untilHealthy(`${url}/health`, child)
  } catch (error) {
    const tail = (await readFile(join(directory, 'output.log'), 'utf8')).slice(-3000)
    await stop()
    throw new Error(`Synapse did not start: ${String(error)}\n${tail}`)
  }
  return { url, registerSharedSecret, pid: child.pid ?? 0, directory, stop }
}

/** Installs what speaks to PostgreSQL, and makes a database ordered as Synapse insists. */
async function prepareDatabase(python: string, url: string): Promise<void> {
  await run(python, ['-c', 'import psycopg2']).catch(() =>
    run(python, ['-m', 'pip', 'install', '--quiet', 'psycopg2-binary'], { maxBuffer: 1 << 24 }),
  )
  const client = new pg.Client(url)
  await client.connect()
  const order = "ENCODING 'UTF8' LC_COLLATE 'C' LC_CTYPE 'C' LOCALE_PROVIDER libc TEMPLATE template0"
  await client.query(`CREATE DATABASE ${SYNAPSE_DATABASE} ${order}`).finally(() => client.end())
}

async function writeFiles(directory: string, options: SynapseOptions, secret: string): Promise<void> {
  const seed = randomBytes(32).toString('base64').replace(/=+$/, '')
  await Promise.all([
    writeFile(join(directory, 'signing.key'), `ed25519 a_bench ${seed}\n`),
    writeFile(join(directory, 'log.yaml'), JSON.stringify(logConfig())),
    // JSON is YAML: no YAML writer needed.
    writeFile(
      join(directory, 'homeserver.yaml'),
      JSON.stringify(synapseConfig(directory, options, secret), null, 1),
    ),
  ])
}

/** Polls: a process that is not ours gives no other sign of being ready. */
async function untilHealthy(url: string, child: ChildProcess): Promise<void> {
  const deadline = Date.now() + startupSeconds * 1000
  while (Date.now() < deadline) {
    if (child.exitCode !== null || child.signalCode !== null) throw new Error('the process ended')
    const healthy = await fetch(url).then(
      response => response.ok,
      () => false,
    )
    if (healthy) return
    await new Promise(next => setTimeout(next, 100))
  }
  throw new Error(`no answer from ${url} within ${startupSeconds} s`)
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const ended = new Promise<void>(done => child.once('exit', () => done()))
  child.kill('SIGTERM')
  const impatience = setTimeout(() => child.kill('SIGKILL'), 5000)
  await ended
  clearTimeout(impatience)
}

if (import.meta.main) {
  const { values } = parseArgs({
    options: {
      'server-name': { type: 'string', default: 'localhost' },
      port: { type: 'string', default: '8008' },
    },
  })
  const synapse = await startSynapse({ serverName: values['server-name'], port: Number(values.port) })
  console.log(`url            ${synapse.url}`)
  console.log(`pid            ${synapse.pid}`)
  console.log(`shared secret  ${synapse.registerSharedSecret}`)
  console.log(`directory      ${synapse.directory}`)
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => synapse.stop().then(() => process.exit(0)))
  }
}

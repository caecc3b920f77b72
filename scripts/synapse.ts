/**
 * Synapse, installed from PyPI into a virtual environment of its own, for comparison and interoperability tests.
 * Development only: the server never needs it, no package.json entry names it, and nothing is installed before
 * the first call. By hand: `node scripts/synapse.ts --server-name localhost --port 8008` (Ctrl-C stops it).
 */
import { execFile } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { existsSync } from 'node:fs'
import { mkdtemp, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { parseArgs, promisify } from 'node:util'
import pg from 'pg'
import { type ForeignServer, type ForeignServerPlan, startForeignServer } from './foreign-server.ts'
import { logConfig, SYNAPSE_DATABASE, synapseConfig } from './synapse-config.ts'

const run = promisify(execFile)

/** Longer than that no package index is waited for. */
const INSTALLATION_MS = 5 * 60_000

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

export interface RunningSynapse extends ForeignServer {
  /** Base URL of the plain listener, without a trailing slash. */
  readonly url: string
  /** Secret of the shared-secret registration endpoint (`/_synapse/admin/v1/register`). */
  readonly registerSharedSecret: string
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
  const directory = await mkdtemp(join(tmpdir(), 'synapse-'))
  const registerSharedSecret = randomBytes(24).toString('hex')
  const started = await startForeignServer(await prepareSynapse(options, directory, registerSharedSecret))
  return { ...started, url: urlOf(options), registerSharedSecret }
}

/** Installs Synapse, and writes its configuration into a directory. Started as that says, it goes on with what the directory holds. */
export async function prepareSynapse(
  options: SynapseOptions,
  directory: string,
  registerSharedSecret: string,
): Promise<ForeignServerPlan> {
  const python = await installSynapse()
  if (options.databaseUrl !== undefined) await prepareDatabase(python, options.databaseUrl)
  await writeFiles(directory, options, registerSharedSecret)
  return {
    name: 'Synapse',
    command: python,
    arguments: ['-m', 'synapse.app.homeserver', '-c', join(directory, 'homeserver.yaml')],
    directory,
    healthUrl: `${urlOf(options)}/health`,
  }
}

const urlOf = ({ port }: SynapseOptions): string => `http://127.0.0.1:${port}`

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

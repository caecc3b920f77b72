/**
 * Dendrite (https://github.com/matrix-org/dendrite, Apache-2.0), fetched from the Go module proxy and built into a cache
 * folder, for interoperability tests. Development only: the server never needs it, no package.json entry names it, and
 * nothing is fetched before the first call. By hand: `node scripts/dendrite.ts --server-name localhost --port 8008`.
 */
import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { parseArgs, promisify } from 'node:util'
import { type ForeignServer, startForeignServer } from './foreign-server.ts'

const run = promisify(execFile)

const MODULE = 'github.com/matrix-org/dendrite'
const VERSION = 'v0.13.8'

export interface DendriteOptions {
  /** The permanent name; with a port in it (`localhost:8448`) no name resolution is needed for federation. */
  readonly serverName: string
  /** Plain HTTP on the loopback address: client and federation API. */
  readonly port: number
  /** A second listener with TLS, also both APIs; the files are PEM. */
  readonly tls?:
    | { readonly port: number; readonly certificateFile: string; readonly keyFile: string }
    | undefined
  /** PEM file of the authority that signed the certificates of the other servers. */
  readonly caFile?: string | undefined
}

export interface RunningDendrite extends ForeignServer {
  /** Base URL of the plain listener, without a trailing slash. */
  readonly url: string
}

/** @returns where its programs are, or will be; `DENDRITE_BIN` overrides it. */
export function dendritePrograms(): string {
  return resolve(
    process.env['DENDRITE_BIN'] ?? join(import.meta.dirname, `../node_modules/.cache/dendrite-${VERSION}`),
  )
}

/**
 * Fetches and builds Dendrite unless it is there already (once; minutes, and 1 GB in the caches of Go).
 * `GO` names the compiler (default `go`, on the path or where its own installer puts it).
 * @returns the folder with `dendrite` and `generate-keys`
 * @throws Error that says what is missing, where there is no Go
 */
export async function installDendrite(): Promise<string> {
  const programs = dendritePrograms()
  const names = ['generate-keys', 'dendrite']
  if (names.every(name => existsSync(join(programs, name)))) return programs
  const go = await findGo()
  process.stderr.write(`Building Dendrite ${VERSION} into ${programs}, which takes some minutes …\n`)
  await mkdir(programs, { recursive: true })
  const packages = names.map(name => `${MODULE}/cmd/${name}@${VERSION}`)
  // One at a time, and behind everything else: nobody's machine should stand still for this.
  await run('nice', ['-n', '19', go, 'install', '-p', '1', ...packages], {
    cwd: programs,
    env: { ...process.env, GOBIN: programs },
    maxBuffer: 1 << 24,
  })
  return programs
}

async function findGo(): Promise<string> {
  const { GO: named } = process.env
  for (const candidate of named === undefined ? ['go', '/usr/local/go/bin/go'] : [named]) {
    const isThere = await run(candidate, ['version']).then(
      () => true,
      () => false,
    )
    if (isThere) return candidate
  }
  throw new Error(
    'Dendrite is built with Go 1.21 or newer and a C compiler, and there is no Go here. Install it (https://go.dev/doc/install), ' +
      'or name it in GO; or name a folder with `dendrite` and `generate-keys` in DENDRITE_BIN.',
  )
}

/**
 * Starts a Dendrite of its own in a temporary directory, and waits until it answers.
 * @throws Error with the end of its log when it does not come up
 */
export async function startDendrite(options: DendriteOptions): Promise<RunningDendrite> {
  const programs = await installDendrite()
  const directory = await mkdtemp(join(tmpdir(), 'dendrite-'))
  const key = join(directory, 'signing.pem')
  const config = join(directory, 'dendrite.yaml')
  await run(join(programs, 'generate-keys'), ['--private-key', key])
  // JSON is YAML: no YAML writer needed.
  await writeFile(config, JSON.stringify(settings(directory, key, options.serverName), null, 1))
  const { port, tls, caFile } = options
  const url = `http://127.0.0.1:${port}`
  const started = await startForeignServer({
    name: 'Dendrite',
    command: join(programs, 'dendrite'),
    arguments: [
      ...[
        '--config',
        config,
        '--really-enable-open-registration',
        '--http-bind-address',
        `127.0.0.1:${port}`,
      ],
      ...(tls === undefined
        ? []
        : [
            ...['--https-bind-address', `127.0.0.1:${tls.port}`],
            ...['--tls-cert', tls.certificateFile, '--tls-key', tls.keyFile],
          ]),
    ],
    // Instead of the authorities of the system.
    environment: caFile === undefined ? {} : { SSL_CERT_FILE: caFile },
    directory,
    healthUrl: `${url}/_matrix/client/versions`,
  })
  return { ...started, url }
}

/** Open registration, no rate limit, no key server; an SQLite file for each of its parts. */
function settings(directory: string, key: string, serverName: string): object {
  const database = (name: string) => ({ connection_string: `file:${join(directory, `${name}.db`)}` })
  return {
    version: 2,
    global: {
      server_name: serverName,
      private_key: key,
      presence: { enable_inbound: true, enable_outbound: true },
      jetstream: { storage_path: directory },
      // It takes what this names at once: by default a gigabyte.
      cache: { max_size_estimated: '64mb' },
    },
    client_api: { registration_disabled: false, rate_limiting: { enabled: false } },
    federation_api: { database: database('federation'), key_perspectives: [] },
    key_server: { database: database('keys') },
    media_api: {
      database: database('media'),
      base_path: join(directory, 'media'),
      thumbnail_sizes: [{ width: 96, height: 96, method: 'crop' }],
    },
    mscs: { database: database('mscs') },
    relay_api: { database: database('relay') },
    room_server: { database: database('rooms') },
    sync_api: { database: database('sync') },
    // The cost of a password hash is not what anybody measures here.
    user_api: { account_database: database('accounts'), bcrypt_cost: 4 },
    logging: [{ type: 'std', level: 'info' }],
  }
}

if (import.meta.main) {
  const { values } = parseArgs({
    options: {
      'server-name': { type: 'string', default: 'localhost' },
      port: { type: 'string', default: '8008' },
    },
  })
  const dendrite = await startDendrite({ serverName: values['server-name'], port: Number(values.port) })
  console.log(`url        ${dendrite.url}`)
  console.log(`pid        ${dendrite.pid}`)
  console.log(`directory  ${dendrite.directory}`)
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => dendrite.stop().then(() => process.exit(0)))
  }
}

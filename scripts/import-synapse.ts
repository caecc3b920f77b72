/**
 * `npm run interop:import`: a Synapse with people, encrypted rooms, files and a federation is stopped, `tessera import synapse` fills an empty
 * database from its, and a Tessera takes its place; the clients, which have run on all the while, and the other server notice no more than
 * an outage. `--postgres` has both databases on a PostgreSQL of its own; with `--with-synapse` the other server is a Synapse that stays one.
 */
import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs, promisify } from 'node:util'
import pg from 'pg'
import { freePort } from '../bench/free-port.ts'
import { type RunningTestServer, startTestServer } from '../src/test-kit/server.ts'
import { type Certificates, certify } from './certificates.ts'
import { liveBefore, liveOn } from './import-play.ts'
import { startPostgres } from './postgres.ts'
import { installSynapse, startSynapse } from './synapse.ts'

const run = promisify(execFile)
const ROOT = join(import.meta.dirname, '..')
const HOSTS = ['localhost', '127.0.0.1'] as const

interface Place {
  readonly name: string
  readonly port: number
  readonly tlsPort: number
}

/** The name of each has the port of its TLS listener, which stays the same. */
const newPlace = async (host: string): Promise<Place> => {
  const [port, tlsPort] = [await freePort(), await freePort()]
  return { name: `${host}:${tlsPort}`, port, tlsPort }
}

const settingsOf = ({ port, tlsPort }: Place, files: Certificates): object => ({
  listeners: [
    { port, host: '127.0.0.1' },
    {
      port: tlsPort,
      host: '127.0.0.1',
      tls: { certificate: files.certificateFile, key: files.keyFile },
    },
  ],
  ca_file: files.caFile,
  federation: { deny_addresses: [], back_off: { min: '1s', max: '2s' } },
})

const note = (what: string): void => console.log(`✔ ${what}`)

const makeDatabase = async (url: string, name: string): Promise<string> => {
  const client = new pg.Client(url)
  await client.connect()
  await client.query(`CREATE DATABASE ${name}`).finally(() => client.end())
  const made = new URL(url)
  made.pathname = `/${name}`
  return made.href
}

/** Has the command fill a database from Synapse's, as an operator would. */
const runImport = async (directory: string, synapse: string, settings: object): Promise<void> => {
  const file = join(directory, 'tessera.yaml')
  writeFileSync(file, JSON.stringify(settings))
  const started = Date.now()
  const { stdout } = await run(
    join(ROOT, 'scripts/node'),
    [
      ...['--disable-warning=ExperimentalWarning', join(ROOT, 'bin/tessera.js')],
      ...['import', 'synapse', join(synapse, 'homeserver.yaml'), '--config', file],
    ],
    { cwd: directory },
  ).catch((error: { stderr?: string; stdout?: string }) => {
    throw new Error(`the import failed: ${error.stderr}\n${error.stdout}`)
  })
  console.log(stdout.trimEnd().replaceAll(/^/gm, '  '))
  note(`imported within ${((Date.now() - started) / 1000).toFixed(1)} s`)
}

interface Kinds {
  /** A server for the databases. */
  readonly postgres: string | undefined
  /** Whether the other server is a Synapse, too. */
  readonly withSynapse: boolean
}

/** The server that stays. */
const startPeer = async (
  place: Place,
  files: Certificates,
  isSynapse: boolean,
): Promise<{ readonly url: string; close(): Promise<void> }> => {
  if (!isSynapse) return startTestServer({ serverName: place.name, settings: settingsOf(place, files) })
  const synapse = await startSynapse({
    ...{ serverName: place.name, port: place.port, caFile: files.caFile },
    tls: { port: place.tlsPort, certificateFile: files.certificateFile, keyFile: files.keyFile },
    settings: { federation: { destination_min_retry_interval: '1s', destination_max_retry_interval: '2s' } },
  })
  return { url: synapse.url, close: synapse.stop }
}

/** Both servers' lives, and the change between them. */
const play = async (directory: string, { postgres, withSynapse }: Kinds): Promise<void> => {
  const ends: (() => unknown)[] = []
  const scope = { teardown: (end: () => unknown) => void ends.push(end) }
  try {
    const files = await certify(directory, HOSTS)
    const [old, far] = [await newPlace(HOSTS[0]), await newPlace(HOSTS[1])]
    const peer = await startPeer(far, files, withSynapse)
    ends.push(() => peer.close())
    const synapse = await startSynapse({
      ...{ serverName: old.name, port: old.port, caFile: files.caFile, databaseUrl: postgres },
      tls: { port: old.tlsPort, certificateFile: files.certificateFile, keyFile: files.keyFile },
      settings: { password_config: { pepper: 'pepper' } },
    })
    ends.push(() => synapse.stop())
    note(
      `a Synapse with ${postgres === undefined ? 'SQLite' : 'PostgreSQL'}, and a ${withSynapse ? 'Synapse' : 'Tessera'} elsewhere`,
    )
    const before = await liveBefore(scope, synapse.url, peer.url)
    note('people live on both')
    await synapse.end()
    const settings = {
      ...{ server_name: old.name, data_directory: join(directory, 'data') },
      ...settingsOf(old, files),
      registration: { mode: 'open' },
      passwords: { bcrypt_pepper: 'pepper' },
      rate_limits: { enabled: false },
      ...(postgres === undefined ? {} : { database: { url: await makeDatabase(postgres, 'tessera') } }),
    }
    await runImport(directory, synapse.directory, settings)
    const tessera: RunningTestServer = await startTestServer({
      serverName: old.name,
      directory: settings.data_directory,
      settings,
    })
    ends.push(() => tessera.close())
    await liveOn(before, note)
  } finally {
    for (const end of ends.toReversed()) await end()
  }
}

const main = async (): Promise<number> => {
  const { values } = parseArgs({
    options: {
      postgres: { type: 'boolean', default: false },
      'with-synapse': { type: 'boolean', default: false },
      'where-possible': { type: 'boolean', default: false },
    },
  })
  const hindrance = await installSynapse().then(
    () => undefined,
    (error: unknown) => (error instanceof Error ? error.message : String(error)),
  )
  if (hindrance !== undefined) {
    console.log(`Not tried, since Synapse cannot be installed here: ${hindrance}`)
    return values['where-possible'] ? 0 : 1
  }
  const directory = mkdtempSync(join(tmpdir(), 'tessera-import-'))
  const postgres = values.postgres ? await startPostgres() : undefined
  try {
    await play(directory, { postgres: postgres?.url, withSynapse: values['with-synapse'] })
    return 0
  } catch (error) {
    console.log(`✘ ${error instanceof Error ? error.stack : String(error)}`)
    return 1
  } finally {
    await postgres?.stop()
    rmSync(directory, { recursive: true, force: true })
  }
}

// Whatever ends this process ends the other server with it.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1))
process.exit(await main())

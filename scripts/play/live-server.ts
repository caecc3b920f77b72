import { randomBytes } from 'node:crypto'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { freePort } from '../../bench/free-port.ts'
import type { Certificates } from '../certificates.ts'
import { type ForeignServer, type ForeignServerPlan, startForeignServer } from '../foreign-server.ts'
import { prepareSynapse } from '../synapse.ts'
import type { Place } from './links.ts'

export type Kind = 'ours' | 'synapse'

const backOff = { min: '1s', max: '2s' }

const ourPlan = (
  directory: string,
  { name, tlsPort }: Place,
  port: number,
  { certificateFile, keyFile, caFile }: Certificates,
): ForeignServerPlan => {
  const settings = {
    server_name: name,
    data_directory: directory,
    database: { url: 'sqlite:homeserver.db' },
    registration: { mode: 'open' },
    guests: { enabled: true },
    listeners: [
      { port, host: '127.0.0.1' },
      { port: tlsPort, host: '127.0.0.1', tls: { certificate: certificateFile, key: keyFile } },
    ],
    ca_file: caFile,
    passwords: { hashing: { memory: '8K', iterations: 1 } },
    rate_limits: { enabled: false },
    logging: { format: 'json', level: 'debug' },
    federation: { deny_addresses: [], back_off: backOff },
  }
  writeFileSync(join(directory, 'homeserver.yaml'), JSON.stringify(settings))
  const program = resolve(import.meta.dirname, '../../bin/tessera.js')
  return {
    name: 'Tessera',
    command: process.execPath,
    arguments: [
      '--disable-warning=ExperimentalWarning',
      program,
      '--config',
      join(directory, 'homeserver.yaml'),
    ],
    directory,
    healthUrl: `http://127.0.0.1:${port}/_matrix/client/versions`,
  }
}

const theirPlan = (
  directory: string,
  { name, tlsPort }: Place,
  port: number,
  { certificateFile, keyFile, caFile }: Certificates,
): Promise<ForeignServerPlan> => {
  const settings = {
    federation: {
      destination_min_retry_interval: backOff.min,
      destination_max_retry_interval: backOff.max,
      max_long_retry_delay: '1s',
    },
    // Each side answers for its people to whoever asks.
    limit_profile_requests_to_users_who_share_rooms: false,
    allow_guest_access: true,
    // Else the same question is answered for two minutes as it was the first time.
    caches: { sync_response_cache_duration: '0s' },
    // As ours: those who leave read on until they forget the room themselves.
    forget_rooms_on_leave: false,
  }
  const tls = { port: tlsPort, certificateFile, keyFile }
  return prepareSynapse(
    { serverName: name, port, tls, caFile, settings },
    directory,
    randomBytes(24).toString('hex'),
  )
}

/** A server in a process of its own, that can be killed and goes on from its files. */
export class LiveServer implements Place {
  readonly kind: Kind
  readonly host: string
  readonly namedPort: number
  readonly tlsPort: number
  readonly directory: string
  /** Of its plain listener. */
  readonly url: string
  readonly #plan: ForeignServerPlan
  #process: ForeignServer | undefined

  private constructor(kind: Kind, place: Omit<Place, 'pid'>, port: number, plan: ForeignServerPlan) {
    this.kind = kind
    this.host = place.host
    this.namedPort = place.namedPort
    this.tlsPort = place.tlsPort
    this.directory = plan.directory
    this.url = `http://127.0.0.1:${port}`
    this.#plan = plan
  }

  /** Writes what one needs to start. */
  static async make(kind: Kind, host: string, base: string, certificates: Certificates): Promise<LiveServer> {
    const [namedPort, tlsPort, port] = [await freePort(), await freePort(), await freePort()]
    const place = { name: `${host}:${namedPort}`, host, namedPort, tlsPort, pid: undefined }
    const directory = join(base, `${kind}@${host}`)
    mkdirSync(directory)
    const plan = kind === 'ours' ? ourPlan : theirPlan
    return new LiveServer(kind, place, port, await plan(directory, place, port, certificates))
  }

  get name(): string {
    return `${this.host}:${this.namedPort}`
  }

  /** For those who read the reports. */
  get label(): string {
    return `${this.kind}@${this.host}`
  }

  get pid(): number | undefined {
    return this.#process?.pid
  }

  async start(): Promise<void> {
    this.#process = await startForeignServer(this.#plan)
  }

  /** As if the machine had failed: no chance to finish anything. */
  async kill(): Promise<void> {
    const running = this.#process
    if (running === undefined) return
    this.#process = undefined
    process.kill(running.pid, 'SIGKILL')
    await running.end()
  }
}

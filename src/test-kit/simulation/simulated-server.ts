import { constants, copyFileSync, existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Composition, compose } from '../../composition/index.ts'
import { defaultConfig } from '../../config/load.ts'
import type { Clock } from '../../core/clock.ts'
import { type Log, type LogFields, silentLog } from '../../core/log.ts'
import { type SigningKey, signingKeyFromSeed, verifySignature } from '../../core/signing.ts'
import { createFederationClient } from '../../network/federation-client.ts'
import type { OutboundRequest, OutboundResponse } from '../../network/http-client.ts'
import { threadedResolver } from '../../services/rooms/resolver.ts'
import { httpPort } from '../http-port.ts'
import { Life, mortalDatabase } from '../mortal.ts'
import type { SeededRandom } from '../seeded-random.ts'
import { sqliteTemplate } from '../templates.ts'
import { askDirectly, type DirectRequest, type DirectResponse } from './direct-http.ts'
import { type SimulatedDatabase, simulatedDatabase } from './simulated-database.ts'

/** How a server asks others. */
export type Carry = (from: string, request: OutboundRequest) => Promise<OutboundResponse>

/** What a server runs on. */
export interface Ground {
  readonly name: string
  readonly clock: Clock
  readonly random: SeededRandom
  readonly carry: Carry
  /** Told of everything that the server logs as an error. */
  readonly onError: (message: string) => void
}

/** A whole server as it is shipped, but for the machine and the network, which are simulated. */
export interface SimulatedServer
  extends Pick<Composition, 'core' | 'services' | 'database'>,
    Pick<Ground, 'name'> {
  /** Asks it something. Rejects when it ends before it has answered. */
  ask(request: DirectRequest): Promise<DirectResponse>
  /** Ends it as a signal does: what has begun is brought to its end. */
  stop(): Promise<void>
  /** Ends it in the middle of whatever it does. */
  kill(): Promise<void>
}

/** The server has ended. */
export class Fallen extends Error {
  override readonly name = 'Fallen'
}

/** Nothing here needs a disk that survives; one directory for all servers of the process. */
const directory = mkdtempSync(join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'tessera-simulated-'))
process.once('exit', () => rmSync(directory, { recursive: true, force: true }))

let files = 0

/** Makes a database for a server: a copy of `of`, by default an empty one. */
export const databaseFile = async (of?: string): Promise<string> => {
  const path = join(directory, `${files++}.db`)
  copyFileSync(of ?? (await sqliteTemplate()), path, constants.COPYFILE_FICLONE)
  return path
}

/** Removes what `databaseFile` has made. */
export const removeDatabase = (path: string): void => {
  for (const suffix of ['', '-wal', '-shm']) rmSync(path + suffix, { force: true })
}

/** Every server has a key of its own, also after a restart. */
const keys = new Map<string, SigningKey>()

const keyOf = (name: string): SigningKey => {
  const seed = new Uint8Array(32)
  Buffer.from(name).copy(seed)
  const key = keys.get(name) ?? signingKeyFromSeed('ed25519:1', seed)
  keys.set(name, key)
  return key
}

const configOf = (name: string) =>
  defaultConfig(directory, {
    server_name: name,
    data_directory: join(directory, name),
    rate_limits: { enabled: false },
    federation: { back_off: { min: '500ms', max: '5s' } },
  })

/** Starts a server over a database file that no other has open. */
export const startSimulated = async (ground: Ground, path: string): Promise<SimulatedServer> => {
  const { name, clock, random } = ground
  const life = new Life()
  const file = simulatedDatabase(path, clock, random)
  const signingKey = keyOf(name)
  const composition = await compose({
    config: configOf(name),
    log: errorsOnly(message => {
      if (!life.isOver) ground.onError(`${name}: ${message}`)
    }),
    clock,
    surroundings: {
      database: mortalDatabase(file.database, life),
      signingKey,
      random: size => Uint8Array.from({ length: size }, () => random.below(256)),
      // Threads come when they please.
      resolver: threadedResolver(Number.POSITIVE_INFINITY),
      checkSignature: verifySignature,
      client: createFederationClient({
        serverName: name,
        signingKey,
        discovery: {
          resolve: async server => ({ candidates: [], hostHeader: server, tlsServerName: server }),
        },
        http: httpPort(request => life.lived(() => ground.carry(name, request))),
      }),
    },
  })
  composition.start()
  return { name, ...composition, ...ends(composition, file, life), ask: asking(composition, life) }
}

const asking =
  ({ app }: Composition, life: Life): SimulatedServer['ask'] =>
  async request => {
    if (life.isOver) throw new Fallen('nobody is there')
    const answered = askDirectly(app, request)
    answered.catch(() => undefined)
    const answer = await Promise.race([answered, life.ended])
    if (answer === undefined || life.isOver) throw new Fallen('it fell silent')
    return answer
  }

const ends = (
  { stop, processes }: Composition,
  file: SimulatedDatabase,
  life: Life,
): Pick<SimulatedServer, 'stop' | 'kill'> => ({
  stop: async () => {
    await stop()
    await processes.close()
    // What was asked of it at the last moment is cut off, as by a listener that has waited long enough.
    life.end()
    await file.close()
  },
  kill: async () => {
    life.end()
    file.kill()
    await file.close()
  },
})

/** A log of which only what is broken is read. */
const errorsOnly = (tell: (message: string) => void): Log => {
  const write = (fields: LogFields, message: string): void => {
    const { err, ...others } = fields
    tell(`${message} ${JSON.stringify(others)} ${err instanceof Error ? err.stack : ''}`)
  }
  const log: Log = { ...silentLog, error: write, fatal: write, child: () => log }
  return log
}

/** Servers that tell each other of devices, and clients that follow them as the specification asks of clients. */
import type { ExecutionContext } from 'ava'
import type { JsonObject } from '../core/json.ts'
import { silentLog } from '../core/log.ts'
import { createEncryption, type Encryption } from '../services/encryption/index.ts'
import { noEdus } from '../services/kept-edus.ts'
import { DeviceWriter } from '../storage/accounts/devices.ts'
import { UserWriter } from '../storage/accounts/user-writer.ts'
import type { Database } from '../storage/database.ts'
import { roomReaders } from '../storage/rooms/index.ts'
import { eventually } from './eventually.ts'
import type { FakeClock } from './fake-clock.ts'
import { FederationWorld, type WorldServer } from './federation-world.ts'

/** One homeserver with the server's half of encryption. */
export interface CryptoServer extends WorldServer {
  readonly encryption: Encryption
}

/**
 * The services of another process of a server, over the same database, opened once more: it takes in and gives out keys,
 * and the first one speaks to other servers.
 */
export const twinOf = ({ core, clock, client }: CryptoServer, database: Database): Encryption =>
  createEncryption({
    ...{ database, clock, log: silentLog, remote: client, shareNames: true },
    serverName: core.context.serverName,
    rooms: roomReaders(database),
    keepEdus: noEdus,
  })

/** A world of such servers, that can be taken from the net and started again. */
export class EncryptionWorld {
  readonly servers = new Map<string, CryptoServer>()
  /** The servers that nobody reaches and that reach nobody. */
  readonly away = new Set<string>()
  readonly #world: FederationWorld

  constructor(t: ExecutionContext) {
    this.#world = new FederationWorld(t)
    this.#world.intercept = ({ from, to }) =>
      this.away.has(from) || this.away.has(to) ? 'unreachable' : undefined
  }

  server(name: string): CryptoServer {
    const server = this.servers.get(name)
    if (server === undefined) throw new RangeError(`no server ${name}`)
    return server
  }

  /** Starts a server; its followers run. */
  async start(name: string, options: { database?: Database; clock?: FakeClock } = {}): Promise<CryptoServer> {
    const server = await this.#world.add(name, options)
    const encryption = createEncryption({
      database: server.database,
      rooms: server.core.context.read,
      clock: server.clock,
      log: silentLog,
      serverName: name,
      remote: server.client,
      keepEdus: server.federation.keepEdus,
      shareNames: true,
    })
    Object.assign(server.services, { encryption })
    server.federation.onHeardOf.push(encryption.heardOf)
    for (const [type, handler] of Object.entries(encryption.eduHandlers))
      server.federation.transactions.onEdu(type, handler)
    server.federation.start()
    encryption.start()
    const made = {
      ...server,
      encryption,
      stop: async () => {
        await encryption.close()
        await server.stop()
      },
    }
    this.servers.set(name, made)
    return made
  }

  /** Ends a server and starts it anew over its database: what it had in memory alone is gone. */
  async restart(name: string): Promise<void> {
    const { database, clock, stop } = this.server(name)
    await stop()
    await clock.advance(1)
    await this.start(name, { database, clock })
  }

  /** Brings everybody back, and resolves once nothing is left to be told. */
  async settle(): Promise<void> {
    this.away.clear()
    let quiet = 0
    await eventually('all is told', async () => {
      for (const { clock } of this.servers.values()) await clock.advance(10 * 60_000)
      const busy = await Promise.all(Array.from(this.servers.values(), isBusy))
      quiet = busy.includes(true) ? 0 : quiet + 1
      return quiet === 5
    })
  }
}

const count = async (database: Database, from: string): Promise<number> =>
  (await database.get<{ n: number }>(database.prepare(`SELECT count(*) AS n FROM ${from}`)))?.n ?? 0

const unsent = async (database: Database): Promise<number> =>
  (await count(database, 'federation_edu_destinations')) +
  (await count(database, 'federation_destination_rooms'))

const isBusy = async ({ database, federation, encryption }: CryptoServer): Promise<boolean> => {
  await federation.idle()
  await encryption.caughtUp()
  const stale = await count(database, 'remote_device_lists WHERE stale = 1')
  return stale + (await unsent(database)) > 0
}

/** Makes an account. */
export const addUser = async ({ database }: CryptoServer, userId: string): Promise<void> => {
  const user = { userId, passwordHash: undefined, kind: 'user', isAdmin: false, createdTs: 0 } as const
  await database.commit({ statements: [new UserWriter(database).insert(user)] })
}

/** Makes a device of a local user as a login does. */
export const addDevice = async (
  { database, clock, encryption }: CryptoServer,
  userId: string,
  deviceId: string,
): Promise<void> => {
  await database.commit({
    statements: [
      new DeviceWriter(database).insert(userId, deviceId, undefined, clock.now()),
      ...encryption.onDevicesChange(userId, { added: [deviceId] }),
    ],
  })
}

/** Names a device. */
export const renameDevice = async (
  { database, encryption }: CryptoServer,
  userId: string,
  deviceId: string,
  name: string,
): Promise<void> => {
  await database.commit({
    statements: [
      new DeviceWriter(database).rename(userId, deviceId, name),
      ...encryption.onDevicesChange(userId, { renamed: [deviceId] }),
    ],
  })
}

/** Removes a device as a logout does. */
export const removeDevice = async (
  { database, encryption }: CryptoServer,
  userId: string,
  deviceId: string,
): Promise<void> => {
  await database.commit({
    statements: [
      ...encryption.onDevicesChange(userId, { removed: [deviceId] }),
      new DeviceWriter(database).delete(userId, [deviceId]),
    ],
  })
}

/** Identity keys whose text tells them from others. */
export const plainKeys = (userId: string, deviceId: string, curve: string): JsonObject => ({
  user_id: userId,
  device_id: deviceId,
  algorithms: ['m.megolm.v1.aes-sha2'],
  keys: { [`curve25519:${deviceId}`]: curve },
  signatures: {},
})

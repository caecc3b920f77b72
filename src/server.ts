import { randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { endpoints } from './api/index.ts'
import type { FirstStart, Server } from './cli/ports.ts'
import { databaseLocation, rateLimitsOf, signingKeyPath } from './config/locations.ts'
import type { Config } from './config/schema/index.ts'
import { readKeyFile } from './config/signing-key.ts'
import { programVersion } from './config/version.ts'
import type { Clock } from './core/clock.ts'
import type { Log } from './core/log.ts'
import { type SigningKey, signingKeyFromSeed } from './core/signing.ts'
import { createHttpApp, type HttpApp } from './http/app.ts'
import { type Listener, openListener } from './http/listener.ts'
import { openPushGateway } from './network/push-gateway.ts'
import { followAccounts } from './server-follow-accounts.ts'
import { composeMedia } from './server-media.ts'
import { accountsOptionsOf } from './server-options.ts'
import { serverPages } from './server-pages.ts'
import { Accounts } from './services/accounts/index.ts'
import { federatedDiscovery } from './services/discovery/federated.ts'
import { createDiscovery } from './services/discovery/index.ts'
import { createEncryption } from './services/encryption/index.ts'
import { createEphemeral } from './services/ephemeral/index.ts'
import { createFederation } from './services/federation/index.ts'
import type { Services } from './services/index.ts'
import { createMetrics } from './services/metrics.ts'
import { createOldSync } from './services/old-sync/index.ts'
import { createPush } from './services/push/index.ts'
import { Reports } from './services/reports.ts'
import { createRoomCore, createRooms } from './services/rooms/index.ts'
import { MutualRooms } from './services/rooms/mutual-rooms.ts'
import { createSearch } from './services/search/index.ts'
import { createSync } from './services/sync/index.ts'
import { Turn } from './services/turn.ts'
import { wellKnownOf } from './services/well-known.ts'
import type { Database } from './storage/database.ts'
import { NidAllocator } from './storage/nids.ts'
import { openDatabase } from './storage/open.ts'
import { systemClock } from './system-clock.ts'

export { openCliServices } from './server-cli.ts'

/** How long requests may take to finish once the server has been told to stop. */
const DRAIN_MS = 20_000

/** Everything that runs, in the order of construction, which is the order of the layers; closed in reverse. */
interface Composition {
  readonly database: Database
  readonly services: Services
  readonly app: HttpApp
  start(): void
  /** Ends what waits (long polls) and what runs in the background. */
  stop(): Promise<void>
}

const compose = async (config: Config, log: Log, clock: Clock): Promise<Composition> => {
  const { serverName } = config
  const [signingKey] = signingKeys(config)
  const database = await openDatabase(databaseLocation(config), {
    log: message => log.info({ part: 'database' }, message),
  })
  const metrics = createMetrics({ process: true })
  const nids = await NidAllocator.open(database, 'rooms')
  const accounts = new Accounts({
    database,
    clock,
    options: accountsOptionsOf(config),
    onError: error => log.error({ err: error }, 'work on accounts failed in the background'),
  })
  const core = createRoomCore({ database, nids, clock, serverName, signingKey, random: randomBytes, log })
  const federation = createFederation({
    core,
    config: config.federation,
    caFile: config.caFile,
    database,
    clock,
    log,
    signingKeys: signingKeys(config),
    version: programVersion(),
  })
  accounts.hooks.remoteProfile = federation.queryProfile
  const rooms = createRooms(core, {
    profile: userId => accounts.profiles.memberProfile(userId),
    remote: federation.remote,
    queryRemoteAlias: federation.queryAlias,
    fetchHistory: federation.fetchHistory,
    defaultRoomVersion: config.rooms.defaultVersion,
    log,
  })
  const discovery = createDiscovery({
    core,
    rooms,
    remote: federatedDiscovery(federation.client),
    hasDirectory: config.roomDirectory.enabled,
    directoryIsForServers: config.roomDirectory.overFederation,
  })
  const ephemeral = createEphemeral({
    core,
    clock,
    log,
    queueEdu: federation.queueEdu,
    admits: (head, server) => federation.gate.allows(head, server),
    presence: config.presence,
  })
  const { presence } = ephemeral.services
  const profiles = followAccounts({ accounts, core, rooms, presence, clock, log })
  const encryption = createEncryption({
    database,
    rooms: core.context.read,
    clock,
    log,
    serverName,
    remote: federation.client,
    queueEdu: federation.queueEdu,
    shareNames: config.federation.shareDeviceNames,
  })
  accounts.hooks.onDevicesChange = (userId, change) => [
    ...encryption.onDevicesChange(userId, change),
    ...push.sender.onDevicesChange(userId, change),
  ]
  for (const [type, handler] of Object.entries({ ...ephemeral.handlers, ...encryption.eduHandlers }))
    federation.transactions.onEdu(type, handler)
  const gateway = openPushGateway({ ...config.federation, caFile: config.caFile, clock })
  const push = createPush({ core, gateway, clock, log })
  rooms.successors.add((userId, { from, to }) => push.services.pushRules.carryOver(userId, from, to))
  const sync = createSync({
    core,
    ephemeral,
    encryption,
    push,
    database,
    clock,
    log,
    storedFilter: (userId, filterId) => accounts.filters.get(userId, filterId),
    metrics: metrics.sync,
  })
  const oldSync = createOldSync(core, rooms)
  const search = createSearch(core, rooms)
  const media = composeMedia({ config, database, federation, clock, log })
  const services: Services = {
    ...{
      ...rooms,
      ...discovery,
      ...ephemeral.services,
      ...push.services,
      ...sync,
      ...oldSync,
      ...search,
      accounts,
      encryption,
      federation,
      media,
    },
    mutualRooms: new MutualRooms(database),
    reports: new Reports({ context: core.context, rooms, accounts, clock, log }),
    turn: new Turn(config.turn, clock),
    wellKnown: wellKnownOf(config),
  }
  const app = createHttpApp({
    endpoints,
    services,
    authenticate: (token, connection) => accounts.authenticate(token, connection),
    verifyRequest: request => federation.verifyRequest(request),
    log,
    clock,
    rateLimits: rateLimitsOf(config),
    trustedProxies: config.listeners.flatMap(listener => listener.trustedProxies),
    pages: serverPages({ config, accounts, clock, metrics, check: readable(database) }),
    onResponse: outcome => metrics.http.answered(outcome),
  })
  return {
    database,
    services,
    app,
    start: () => {
      accounts.start()
      ephemeral.start()
      encryption.start()
      profiles.start()
      media.start()
      push.start()
      federation.start()
    },
    stop: async () => {
      await profiles.close()
      await ephemeral.close()
      await encryption.close()
      sync.notifier.close()
      await push.close()
      oldSync.eventStream.close()
      await media.close()
      await federation.close()
      await accounts.close()
    },
  }
}

/** Makes a check that rejects when the database does not answer. */
const readable = (database: Database): (() => Promise<void>) => {
  const prepared = database.prepare('SELECT 1 AS one')
  return async () => {
    await database.get(prepared)
  }
}

/** The keys of the key file; the first signs. */
const signingKeys = (config: Config): [SigningKey, ...SigningKey[]] => {
  const { keys } = readKeyFile(signingKeyPath(config))
  const [first, ...others] = keys
  return [
    signingKeyFromSeed(first.keyId, first.seed),
    ...others.map(({ keyId, seed }) => signingKeyFromSeed(keyId, seed)),
  ]
}

/** Opens the database and builds the services; nothing listens yet. */
export const createServer = async (
  config: Config,
  { log, clock = systemClock }: { log: Log; clock?: Clock },
): Promise<Server> => {
  const composition = await compose(config, log, clock)
  const listeners: Listener[] = []
  let firstStart: FirstStart | undefined
  return {
    listen: async () => {
      for (const { host, port, tls } of config.listeners) {
        const files = tls && { cert: readFileSync(tls.certificate), key: readFileSync(tls.key) }
        listeners.push(
          await openListener({ handler: composition.app.handler, host, port, ...(files && { tls: files }) }),
        )
      }
      composition.start()
      const urls = listeners.map(listener => listener.url)
      firstStart = await firstStartFacts(config, composition, urls[0] ?? '')
      return { urls }
    },
    close: async () => {
      const closing = listeners.map(listener => listener.close(DRAIN_MS))
      await composition.stop()
      await Promise.all(closing)
      await composition.database.close()
    },
    stats: async () => ({
      rooms: await composition.services.roomReading.countRooms(),
      users: await composition.services.accounts.count(),
    }),
    // What else can change without a restart (the log level) is the command line's own.
    reconfigure: changed => composition.app.setRateLimits(rateLimitsOf(changed)),
    get firstStart() {
      return firstStart
    },
  }
}

const firstStartFacts = async (
  config: Config,
  { services }: Composition,
  url: string,
): Promise<FirstStart | undefined> => {
  const token = await services.accounts.setup.issue()
  if (token === undefined) return undefined
  const base = config.publicBaseUrl ?? url
  const [key] = readKeyFile(signingKeyPath(config)).keys
  return {
    setupUrl: `${base}/setup?token=${token}`,
    signingKeyId: key.keyId,
    migrations: { applied: 0, milliseconds: 0 },
  }
}

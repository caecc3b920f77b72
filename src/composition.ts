import { randomBytes } from 'node:crypto'
import { endpoints } from './api/index.ts'
import { readAppServices } from './config/app-service-registrations.ts'
import { databaseLocation, rateLimitsOf, signingKeyPath } from './config/locations.ts'
import type { Config } from './config/schema/index.ts'
import { readKeyFile } from './config/signing-key.ts'
import { programVersion } from './config/version.ts'
import type { Clock } from './core/clock.ts'
import type { Log } from './core/log.ts'
import { type SigningKey, signingKeyFromSeed } from './core/signing.ts'
import { createHttpApp, type HttpApp } from './http/app.ts'
import { LIMITS_PATH } from './http/pages/limits.ts'
import { openAppServiceClient } from './network/app-service-client.ts'
import { openIdentityServers } from './network/identity-servers.ts'
import { openPushGateway } from './network/push-gateway.ts'
import { followAccounts } from './server-follow-accounts.ts'
import { composeMedia } from './server-media.ts'
import { accountsOptionsOf, baseUrlOf, invitationMailOf, mailDigestsOf, mailerOf } from './server-options.ts'
import { serverPages } from './server-pages.ts'
import { composeSync } from './server-sync.ts'
import { Accounts } from './services/accounts/index.ts'
import { AppServices } from './services/appservices/index.ts'
import { DelayedEvents } from './services/delayed-events/delayed-events.ts'
import { createDirect } from './services/direct/index.ts'
import { federatedDiscovery } from './services/discovery/federated.ts'
import { createDiscovery } from './services/discovery/index.ts'
import { createEncryption } from './services/encryption/index.ts'
import { createEphemeral } from './services/ephemeral/index.ts'
import { createFederation } from './services/federation/index.ts'
import type { Services } from './services/index.ts'
import { IdentityInvitations } from './services/invitations/identity-invitations.ts'
import { createInvitations } from './services/invitations/index.ts'
import { createMetrics } from './services/metrics.ts'
import { createNotifications } from './services/notifications/index.ts'
import { createPush } from './services/push/index.ts'
import { Reports } from './services/reports.ts'
import { GuestAccess } from './services/rooms/guest-access.ts'
import { createRoomCore, createRooms } from './services/rooms/index.ts'
import { MutualRooms } from './services/rooms/mutual-rooms.ts'
import { RoomLifetime } from './services/rooms/room-lifetime.ts'
import { createSearch } from './services/search/index.ts'
import { Turn } from './services/turn.ts'
import { rtcTransports, wellKnownOf } from './services/well-known.ts'
import type { Database } from './storage/database.ts'
import { metered } from './storage/metered.ts'
import { NidAllocator } from './storage/nids.ts'
import { type Migrated, openDatabase } from './storage/open.ts'

/** Everything that runs, in the order of construction, which is the order of the layers; closed in reverse. */
export interface Composition {
  readonly database: Database
  /** What this start has done to the schema. */
  readonly migrated: Migrated
  readonly services: Services
  readonly app: HttpApp
  start(): void
  /** Ends what waits (long polls) and what runs in the background. */
  stop(): Promise<void>
}

/** What a server is made for. */
export interface Circumstances {
  readonly config: Config
  readonly log: Log
  readonly clock: Clock
}

/** What everything else stands on: the database, accounts, the writing of rooms, and other servers. */
const layFoundation = async ({ config, log, clock }: Circumstances) => {
  const { serverName } = config
  const [signingKey] = signingKeys(config)
  const metrics = createMetrics({ process: true })
  let migrated: Migrated = { applied: 0, milliseconds: 0 }
  const opened = await openDatabase(databaseLocation(config), {
    onMigrated: done => {
      migrated = done
      log.info({ part: 'database', ...done }, 'the database schema was brought up to date')
    },
    log: message => log.info({ part: 'database' }, message),
  })
  const database = metered(opened, metrics.database)
  const nids = await NidAllocator.open(database, 'rooms')
  /** The way out for e-mail, if the operator has named one. */
  const mailer = mailerOf(config, clock)
  const { caFile } = config
  const identityServers = openIdentityServers({ ...config.federation, caFile, serverName, signingKey, clock })
  const accounts = new Accounts({
    database,
    clock,
    options: accountsOptionsOf(config),
    mailer,
    identityServers,
    onError: error => log.error({ err: error }, 'work on accounts failed in the background'),
  })
  const core = createRoomCore({
    database,
    nids,
    clock,
    serverName,
    signingKey,
    random: randomBytes,
    log,
    metrics: metrics.rooms,
  })
  const federation = createFederation({
    core,
    config: config.federation,
    caFile,
    database,
    clock,
    log,
    signingKeys: signingKeys(config),
    version: programVersion(),
    metrics: metrics.federation,
  })
  accounts.hooks.remoteProfile = federation.queryProfile
  return { database, migrated, metrics, accounts, core, federation, mailer, identityServers }
}

/** What does something by itself, in the order in which it starts; closed in reverse. */
interface Running {
  start?(): void
  close(): void | Promise<void>
}

type Foundation = Awaited<ReturnType<typeof layFoundation>>

/** What local users do, and what follows from it. */
const buildDomain = ({ config, log, clock }: Circumstances, foundation: Foundation) => {
  const { database, metrics, accounts, core, federation, mailer, identityServers } = foundation
  const { serverName } = config
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
  const guests = new GuestAccess({ writer: core.writer, memberships: rooms.memberships, log })
  rooms.memberships.joinChecks.push(join => guests.check(join))
  const profiles = followAccounts({ accounts, core, rooms, presence, clock, log })
  const encryption = createEncryption({
    database,
    rooms: core.context.read,
    clock,
    log,
    serverName,
    remote: federation.client,
    keepEdus: federation.keepEdus,
    shareNames: config.federation.shareDeviceNames,
  })
  federation.hooks.onRoomComplete = encryption.roomCompleted
  accounts.hooks.onDevicesChange = (userId, change) => [
    ...encryption.onDevicesChange(userId, change),
    ...push.sender.onDevicesChange(userId, change),
  ]
  const gateway = openPushGateway({ ...config.federation, caFile: config.caFile, clock })
  const push = createPush({ core, gateway, clock, log, mail: mailDigestsOf(config, foundation.mailer) })
  rooms.successors.add((userId, { from, to }) => push.services.pushRules.carryOver(userId, from, to))
  const lifetime = new RoomLifetime({
    ...{ writer: core.writer, clock, log },
    grace: config.rooms.removeAbandoned ? config.rooms.removeAbandonedAfter : undefined,
  })
  const invitations = createInvitations({
    ...{ core, rooms, clock, log },
    roomSummaries: discovery.roomSummaries,
    people: accounts.threepids,
    mail: config.invitations.mail ? invitationMailOf(config, mailer) : undefined,
    limits: config.invitations,
    standing: userId => accounts.refusalOf(userId),
  })
  accounts.hooks.onAddress = userId => invitations.addresses.deliverTo(userId)
  federation.invitations.checks.push(invitation => invitations.sending.checkIncoming(invitation))
  const notifications = createNotifications({
    ...{ core, push, clock, log },
    records: invitations.records.read,
    limits: config.notifications,
  })
  const direct = createDirect({
    ...{ core, rooms, clock, log, queueEdu: federation.queueEdu },
    attention: notifications.attention,
    isReused: config.rooms.reuseDirectRooms,
  })
  ephemeral.services.receipts.onMarked = (userId, roomId) => notifications.attention.visited(userId, roomId)
  const eduHandlers = { ...ephemeral.handlers, ...encryption.eduHandlers, ...direct.eduHandlers }
  for (const [type, handler] of Object.entries(eduHandlers)) federation.transactions.onEdu(type, handler)
  const sync = composeSync({
    core,
    rooms,
    ephemeral,
    encryption,
    push,
    notifications,
    database,
    clock,
    log,
    storedFilter: (userId, filterId) => accounts.filters.get(userId, filterId),
    metrics: metrics.sync,
  })
  const delayedEvents = new DelayedEvents({
    ...{ writer: core.writer, sending: rooms.sending, limits: config.delayedEvents },
    standing: userId => accounts.refusalOf(userId),
  })
  const appServices = new AppServices({
    services: readAppServices(config.applicationServices.directory, serverName),
    ...{ accounts, encryption, clock, log, context: core.context, clientEvents: core.clientEvents },
    ephemeral: ephemeral.services,
    client: openAppServiceClient({ clock, hosts: config.federation.hosts, caFile: config.caFile }),
  })
  accounts.hooks.isExclusive = userId => appServices.registry.isExclusiveUser(userId)
  accounts.hooks.makeUser = userId => appServices.queries.user(userId)
  rooms.directory.makeRoom = alias => appServices.queries.alias(alias)
  const search = createSearch(core, rooms)
  const media = composeMedia({ config, database, federation, clock, log })
  const services: Services = {
    ...{
      ...rooms,
      ...discovery,
      ...direct.services,
      ...ephemeral.services,
      ...push.services,
      ...notifications.services,
      ...sync.services,
      ...search,
      accounts,
      delayedEvents,
      appServices,
      encryption,
      federation,
      invitations,
      media,
    },
    mutualRooms: new MutualRooms(database),
    reports: new Reports({ context: core.context, rooms, accounts, clock, log }),
    rtcTransports: rtcTransports(config.rtc),
    identityInvitations: new IdentityInvitations({
      ...{ writer: core.writer, sender: core.sender, identityServers, log },
      ...{ addresses: invitations.addresses, sending: invitations.sending },
      profile: userId => accounts.profiles.memberProfile(userId),
    }),
    turn: new Turn(config.turn, clock),
    wellKnown: wellKnownOf(config),
  }
  const running: Running[] = [
    ...[
      ephemeral,
      encryption,
      push,
      invitations,
      notifications,
      direct,
      profiles,
      guests,
      lifetime,
      delayedEvents,
      appServices,
      media,
    ],
    ...sync.running,
  ]
  return { services, running, mailPushers: push.mailPushers }
}

/** Builds everything; nothing runs before `start`. */
export const compose = async (circumstances: Circumstances): Promise<Composition> => {
  const { config, log, clock } = circumstances
  const foundation = await layFoundation(circumstances)
  const { database, migrated, metrics, accounts, federation, mailer, identityServers } = foundation
  const { services, running, mailPushers } = buildDomain(circumstances, foundation)
  const all: readonly Running[] = [
    accounts,
    identityServers,
    ...(mailer ? [mailer] : []),
    federation,
    ...running,
  ]
  const app = createHttpApp({
    endpoints,
    services,
    authenticate: async (token, context) =>
      (await services.appServices.identity.identify(token, context)) ?? accounts.authenticate(token, context),
    verifyRequest: request => federation.verifyRequest(request),
    log,
    clock,
    rateLimits: rateLimitsOf(config),
    trustedProxies: config.listeners.flatMap(listener => listener.trustedProxies),
    limitInfoUri: `${baseUrlOf(config)}${LIMITS_PATH}`,
    pages: serverPages({ config, accounts, mailPushers, clock, metrics, check: readable(database) }),
    onResponse: outcome => metrics.http.answered(outcome),
  })
  return {
    database,
    migrated,
    services,
    app,
    start: () => {
      for (const one of all) one.start?.()
    },
    stop: async () => {
      for (const one of all.toReversed()) await one.close()
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

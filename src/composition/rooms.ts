import { createAdministration } from '../services/administration/index.ts'
import { DelayedEvents } from '../services/delayed-events/delayed-events.ts'
import { federatedDiscovery } from '../services/discovery/federated.ts'
import { createDiscovery } from '../services/discovery/index.ts'
import { createEncryption } from '../services/encryption/index.ts'
import { createEphemeral } from '../services/ephemeral/index.ts'
import { AutoJoin } from '../services/rooms/auto-join.ts'
import { BlockedRooms } from '../services/rooms/blocked-rooms.ts'
import { GuestAccess } from '../services/rooms/guest-access.ts'
import { createRooms } from '../services/rooms/index.ts'
import { PurgeRequests } from '../services/rooms/purge-requests.ts'
import { MessageRetention } from '../services/rooms/retention.ts'
import { RoomLifetime } from '../services/rooms/room-lifetime.ts'
import { RoomPurges } from '../services/rooms/room-purge.ts'
import { StickyReviews } from '../services/rooms/sticky-reviews.ts'
import { EverybodyInDirectory } from '../services/search/everybody.ts'
import { createSearch } from '../services/search/index.ts'
import { followAccounts } from './follow-accounts.ts'
import type { Circumstances, Foundation } from './foundation.ts'
import { composeMedia } from './media.ts'
import { retentionOf } from './options.ts'
import { openPortraits } from './portraits.ts'
import type { Running } from './running.ts'

/** Rooms and what is in them: writing, finding, what passes, encryption, files. */
export const composeRooms = (circumstances: Circumstances, foundation: Foundation) => {
  const { config, log, clock } = circumstances
  const { database, accounts, core, federation } = foundation
  const { serverName } = config
  const rooms = createRooms(core, {
    profile: userId => accounts.profiles.memberProfile(userId),
    remote: federation.remote,
    queryRemoteAlias: federation.queryAlias,
    fetchHistory: federation.fetchHistory,
    defaultRoomVersion: config.rooms.defaultVersion,
    defaults: config.rooms,
    log,
  })
  const remote = federatedDiscovery(federation.client, { reachBack: federation.reachBack, clock })
  const discovery = createDiscovery({
    core,
    rooms,
    remote,
    hasDirectory: config.roomDirectory.enabled,
    directoryIsForServers: config.roomDirectory.overFederation,
    directoryIsForStrangers: config.roomDirectory.withoutAccount,
  })
  const ephemeral = createEphemeral({
    core,
    clock,
    log,
    queueEdu: federation.queueEdu,
    keepEdus: federation.keepEdus,
    admits: (head, server) => federation.gate.allows(head, server),
    presence: config.presence,
  })
  const { presence } = ephemeral.services
  const { memberships } = rooms
  const blocked = new BlockedRooms({ database, clock, settings: config.rooms.blocked })
  for (const checks of [memberships.joinChecks, memberships.invitationChecks, federation.invitations.checks])
    checks.push(blocked.refuse)
  const guests = new GuestAccess({
    ...{ writer: core.writer, memberships, log },
    saidElsewhere: async (roomId, servers) =>
      (await remote.hierarchy(servers, { roomId, suggestedOnly: false }))?.room.summary.guest_can_join,
  })
  memberships.joinChecks.push(join => guests.check(join))
  const encryption = createEncryption({
    database,
    rooms: core.context.read,
    clock,
    log,
    serverName,
    remote: federation.client,
    keepEdus: federation.keepEdus,
    shareNames: config.federation.shareDeviceNames,
    processes: core.context.processes,
  })
  federation.onHeardOf.push(encryption.heardOf)
  const { backups } = encryption
  const profiles = followAccounts({ accounts, core, rooms, presence, backups, clock, log })
  const autoJoin = new AutoJoin({
    ...{ context: core.context, directory: rooms.directory, memberships, clock, log },
    rooms: config.registration.joinRooms,
  })
  const { running: ends, ...ending } = composeEnds(circumstances, foundation, rooms)
  const { fetchHistory } = federation
  const administration = createAdministration({
    ...{ core, rooms, blocked, remote, fetchHistory, clock, log },
    ...ending,
  })
  const delayedEvents = new DelayedEvents({
    ...{ writer: core.writer, sending: rooms.sending, limits: config.delayedEvents },
    standing: userId => accounts.refusalOf(userId),
    isUnheard: userId => accounts.isShadowBanned(userId),
  })
  const stickyReviews = new StickyReviews({ writer: core.writer, log })
  const isOfService = (userId: string): boolean => accounts.hooks.isExclusive?.(userId) === true
  const search = createSearch(core, rooms, { ...config.userDirectory, isOfService })
  const everybody = new EverybodyInDirectory({ context: core.context, isOfService, clock, log })
  const media = composeMedia({ config, database, federation, clock, log })
  const portraits = openPortraits({ config, accounts, media, clock, log })
  const running: readonly Running[] = [
    ephemeral,
    encryption,
    profiles,
    autoJoin,
    guests,
    ...ends,
    administration,
    delayedEvents,
    stickyReviews,
    media,
    ...portraits,
    ...(config.userDirectory.allUsers ? [everybody] : []),
  ]
  const { lifetime } = ending
  const services = { rooms, administration, discovery, ephemeral, encryption, delayedEvents, search, media }
  return { ...services, lifetime, running }
}

/** What ends rooms, and what is said in them. */
const composeEnds = (
  { config, log, clock }: Circumstances,
  { core }: Foundation,
  { memberships }: ReturnType<typeof createRooms>,
) => {
  const lifetime = new RoomLifetime({
    ...{ writer: core.writer, clock, log },
    grace: config.rooms.removeAbandoned ? config.rooms.removeAbandonedAfter : undefined,
  })
  const purges = new RoomPurges(core.writer)
  const retention = new MessageRetention({
    ...{ writer: core.writer, purges, clock, log },
    settings: retentionOf(config),
  })
  const purgeRequests = new PurgeRequests({
    ...{ writer: core.writer, purges, lifetime, clock, log },
    memberships,
  })
  const running: readonly Running[] = [lifetime, retention, purgeRequests]
  return { lifetime, purges, running }
}

export type ComposedRooms = ReturnType<typeof composeRooms>

import type { Knex } from 'knex'
import { base } from './0000-base.ts'
import { accounts } from './0001-accounts.ts'
import { rooms } from './0002-rooms.ts'
import { federationInbound } from './0003-federation-inbound.ts'
import { federationOutbound } from './0004-federation-outbound.ts'
import { ephemeral } from './0005-ephemeral.ts'
import { roomDiscovery } from './0006-room-discovery.ts'
import { encryption } from './0008-encryption.ts'
import { push } from './0009-push.ts'
import { syncPositions } from './0012-sync-positions.ts'
import { media } from './0013-media.ts'
import { invitationRecords } from './0014-invitation-records.ts'
import { delayedEvents } from './0015-delayed-events.ts'
import { appServices } from './0016-app-services.ts'
import { leanerIndexes } from './0016-leaner-indexes.ts'
import { directRooms } from './0017-direct-rooms.ts'
import { thirdPartyIds } from './0017-third-party-ids.ts'
import { notifications } from './0018-notifications.ts'
import { partialRooms } from './0018-partial-rooms.ts'
import { abandonedRooms } from './0019-abandoned-rooms.ts'
import { mailDigests } from './0019-mail-digests.ts'
import { interactiveFlows } from './0020-interactive-flows.ts'
import { leases } from './0020-leases.ts'
import { mediaReferences } from './0020-media-references.ts'
import { erasures } from './0021-erasures.ts'
import { serverNotices } from './0022-server-notices.ts'
import { conversationRequests } from './0023-conversation-requests.ts'
import { bulletins } from './0024-bulletins.ts'
import { threadSubscriptions } from './0024-thread-subscriptions.ts'
import { purges } from './0025-purges.ts'
import { earlyWithdrawals } from './0026-early-withdrawals.ts'
import { expiringLogins } from './0026-expiring-logins.ts'
import { indexesForRemoval } from './0026-indexes-for-removal.ts'
import { ignoredSpans } from './0027-ignored-spans.ts'
import { stickyEvents } from './0027-sticky-events.ts'
import { commitMarks } from './0028-commit-marks.ts'
import { commitMarkPositions } from './0029-commit-mark-positions.ts'
import { oauth } from './0029-oauth.ts'
import { rendezvous } from './0030-rendezvous.ts'
import { oneTreeOfNotifications } from './0031-one-tree-of-notifications.ts'
import { sessionsToEnd } from './0031-sessions-to-end.ts'
import { toldMemberships } from './0032-told-memberships.ts'
import { whenInvited } from './0033-when-invited.ts'
import { crowds } from './0034-crowds.ts'
import { endedInvitations } from './0035-ended-invitations.ts'
import { signedOnTheWay } from './0035-signed-on-the-way.ts'
import { unfinishedStays } from './0036-unfinished-stays.ts'
import { closedRooms } from './0037-closed-rooms.ts'
import { timelineGaps } from './0038-timeline-gaps.ts'
import { administeredUsers } from './0039-administered-users.ts'
import { providerAccounts } from './0039-provider-accounts.ts'
import { narrowTransactions } from './0040-narrow-transactions.ts'
import { writtenRendezvous } from './0040-written-rendezvous.ts'
import { administration } from './0041-administration.ts'
import { shadowBans } from './0042-shadow-bans.ts'
import { providerSessions } from './0043-provider-sessions.ts'
import { registrationWishes } from './0043-registration-wishes.ts'
import { eventsInOrder } from './0044-events-in-order.ts'
import { groupActions } from './0045-group-actions.ts'
import { loginTokenVersions } from './0046-login-token-versions.ts'
import { removedMemberships } from './0047-removed-memberships.ts'
import { oneRoomDeletion } from './0048-one-room-deletion.ts'
import { endedProviderAccounts } from './0049-ended-provider-accounts.ts'
import { slidingConnections } from './0050-sliding-connections.ts'
import { delayedEventTimes } from './0051-delayed-event-times.ts'
import { profileChanges } from './0052-profile-changes.ts'
import { invitationsByRoom } from './0053-invitations-by-room.ts'

/**
 * One step of the schema, in a file of its own named like it. Append-only: a migration that has been released is
 * never edited. All pending migrations run in one transaction.
 */
export interface Migration {
  /** The file's name without extension; recorded in the database. */
  readonly name: string
  /** Whether programs that do not know this migration can no longer work on the database after it. */
  readonly breaking: boolean
  up(knex: Knex): Promise<void>
}

/** All migrations, in the order in which they run. Append here. */
export const migrations: readonly Migration[] = [
  base,
  accounts,
  rooms,
  federationInbound,
  federationOutbound,
  ephemeral,
  roomDiscovery,
  encryption,
  push,
  syncPositions,
  media,
  invitationRecords,
  delayedEvents,
  leanerIndexes,
  appServices,
  directRooms,
  thirdPartyIds,
  partialRooms,
  notifications,
  abandonedRooms,
  mailDigests,
  interactiveFlows,
  mediaReferences,
  leases,
  erasures,
  serverNotices,
  conversationRequests,
  threadSubscriptions,
  bulletins,
  purges,
  indexesForRemoval,
  expiringLogins,
  earlyWithdrawals,
  stickyEvents,
  ignoredSpans,
  commitMarks,
  commitMarkPositions,
  oauth,
  rendezvous,
  sessionsToEnd,
  oneTreeOfNotifications,
  toldMemberships,
  whenInvited,
  crowds,
  signedOnTheWay,
  endedInvitations,
  unfinishedStays,
  closedRooms,
  timelineGaps,
  administeredUsers,
  providerAccounts,
  writtenRendezvous,
  narrowTransactions,
  administration,
  shadowBans,
  registrationWishes,
  providerSessions,
  eventsInOrder,
  groupActions,
  loginTokenVersions,
  removedMemberships,
  oneRoomDeletion,
  endedProviderAccounts,
  slidingConnections,
  delayedEventTimes,
  profileChanges,
  invitationsByRoom,
]

/** The version of the schema that this program makes: the number of its migrations. */
export const SCHEMA_VERSION = migrations.length

/** The oldest schema version whose programs still work on a database that this program has migrated. */
export const COMPATIBLE_BACK_TO = migrations.findLastIndex(migration => migration.breaking) + 1

/** The list above in the shape in which knex wants it. */
export const migrationSource: Knex.MigrationSource<Migration> = {
  getMigrations: async () => [...migrations],
  getMigrationName: migration => migration.name,
  getMigration: async migration => ({
    up: knex => migration.up(knex),
    down: async () => {
      throw new Error('a schema is never taken back: restore a backup instead')
    },
  }),
}

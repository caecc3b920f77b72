import type { Clock } from '../../core/clock.ts'
import type { Log } from '../../core/log.ts'
import { DestinationReader } from '../../storage/federation/destinations.ts'
import { AdminTasks } from '../admin-tasks.ts'
import { createOpenDiscovery, type DiscoveryServices } from '../discovery/index.ts'
import type { RemoteDiscovery } from '../discovery/ports.ts'
import type { BlockedRooms } from '../rooms/blocked-rooms.ts'
import type { FetchHistory } from '../rooms/history-pages.ts'
import { createOpenReading, type RoomCore, type RoomServices } from '../rooms/index.ts'
import type { RoomLifetime } from '../rooms/room-lifetime.ts'
import type { RoomPurges } from '../rooms/room-purge.ts'
import { HistoryPurge, PURGE_HISTORY } from './history-purge.ts'
import { ReportReview } from './report-review.ts'
import { RoomAuthority } from './room-authority.ts'
import { DELETE_ROOM, RoomDeletion } from './room-deletion.ts'
import { RoomListing } from './room-listing.ts'
import { RoomShutdown } from './room-shutdown.ts'
import { REDACT_USER, UserRedaction } from './user-redaction.ts'

/** What administrators see of rooms, other servers and reports, and do about them. Who asks is an administrator: nothing here checks that. */
export interface Administration
  extends Pick<RoomServices, 'roomReading' | 'roomHistory'>,
    Pick<DiscoveryServices, 'spaceHierarchy' | 'eventByTimestamp'> {
  readonly tasks: AdminTasks
  readonly rooms: RoomListing
  readonly authority: RoomAuthority
  readonly deletion: RoomDeletion
  readonly historyPurge: HistoryPurge
  readonly redaction: UserRedaction
  readonly blockedRooms: BlockedRooms
  readonly reports: ReportReview
  readonly destinations: DestinationReader
  /** Ties the loose ends of a room together; answers how many are left. See `DummyEvents.tie`. */
  tieEnds(roomId: string): Promise<number>
  start(): void
  close(): Promise<void>
}

export const createAdministration = (parts: {
  core: RoomCore
  rooms: RoomServices
  blocked: BlockedRooms
  lifetime: Pick<RoomLifetime, 'removeNow'>
  purges: RoomPurges
  remote: RemoteDiscovery
  fetchHistory: FetchHistory
  clock: Clock
  log: Log
}): Administration => {
  const { core, rooms, blocked, lifetime } = parts
  const { context } = core
  const shutdown = new RoomShutdown(core, rooms)
  const deletion = new RoomDeletion({ core, blocked, shutdown, lifetime })
  const historyPurge = new HistoryPurge(context, parts.purges)
  const redaction = new UserRedaction(context, rooms)
  const tasks = new AdminTasks({
    ...{ database: context.db, clock: parts.clock, log: parts.log, random: context.random },
    actions: {
      [DELETE_ROOM]: deletion.perform,
      [PURGE_HISTORY]: historyPurge.perform,
      [REDACT_USER]: redaction.perform,
    },
  })
  return {
    ...createOpenReading(core, parts.fetchHistory),
    ...createOpenDiscovery(core, parts.remote),
    tasks,
    rooms: new RoomListing(core),
    authority: new RoomAuthority(core, rooms),
    deletion,
    historyPurge,
    redaction,
    blockedRooms: blocked,
    reports: new ReportReview(context),
    destinations: new DestinationReader(context.db),
    tieEnds: roomId => core.dummies.tie(roomId),
    start: () => tasks.start(),
    close: () => tasks.close(),
  }
}

import type { Clock } from '../../core/clock.ts'
import type { Log } from '../../core/log.ts'
import type { RoomCore } from '../rooms/index.ts'
import { InvitationFollower } from './follower.ts'
import { InvitationRecords } from './records.ts'

/** Invitations, as the rest of the program sees them. */
export interface Invitations {
  readonly records: InvitationRecords
  readonly follower: InvitationFollower
  start(): void
  close(): Promise<void>
}

/** Builds what knows about invitations. */
export const createInvitations = (parts: { core: RoomCore; clock: Clock; log: Log }): Invitations => {
  const { core, clock, log } = parts
  const { db: database, read, serverName } = core.context
  const records = new InvitationRecords(database)
  const follower = new InvitationFollower({ database, read, records, clock, serverName, log })
  return {
    records,
    follower,
    start: () => follower.start(),
    close: () => follower.close(),
  }
}

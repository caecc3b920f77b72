import type { Clock } from '../core/clock.ts'
import { silentLog } from '../core/log.ts'
import { InvitationFollower } from '../services/invitations/follower.ts'
import { InvitationRecords } from '../services/invitations/records.ts'
import { InvitationRedactions } from '../services/invitations/redactions.ts'
import type { RoomCore } from '../services/rooms/index.ts'

/** The follower of a server that keeps the records of invitations, not started yet, and its records. */
export const following = (core: RoomCore, clock: Clock) => {
  const { db: database, read, serverName } = core.context
  const records = new InvitationRecords(database)
  const parts = { database, read, records, clock, serverName, log: silentLog }
  const { writer } = core
  const redactions = () => new InvitationRedactions({ writer, database, records })
  return { records, follower: new InvitationFollower({ ...parts, redactions }) }
}

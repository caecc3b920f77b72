import type { Clock } from '../../core/clock.ts'
import type { MatrixError } from '../../core/errors.ts'
import type { Log } from '../../core/log.ts'
import type { RoomSummaries } from '../discovery/room-summaries.ts'
import type { ReceiveEdu } from '../ephemeral/index.ts'
import type { RoomCore, RoomServices } from '../rooms/index.ts'
import { type AddressBook, AddressInvitations } from './address-invitations.ts'
import { UntoldAnswers } from './answers.ts'
import { DueInvitations } from './due.ts'
import { InvitationFollower } from './follower.ts'
import { InvitationHousekeeping } from './housekeeping.ts'
import type { InvitationLimits } from './limits.ts'
import { InvitationListing } from './listing.ts'
import { InvitationMail, type InvitationMailParts } from './mail.ts'
import { type InvitationPlan, type InvitationRequest, planOf } from './plan.ts'
import { InvitationRecords } from './records.ts'
import { InvitationRedactions } from './redactions.ts'
import { CalendarReplies } from './replies.ts'
import { InvitationsOfRoomsGone } from './rooms-gone.ts'
import { InvitationSending } from './sending.ts'
import { Withdrawal } from './withdrawal.ts'
import { type InvitationPeers, WITHDRAWAL_EDU, WithdrawalEdus } from './withdrawal-edus.ts'

/** Invitations, as the rest of the program sees them. */
export interface Invitations {
  readonly records: InvitationRecords
  readonly follower: InvitationFollower
  readonly sending: InvitationSending
  readonly listing: InvitationListing
  readonly withdrawal: Withdrawal
  readonly replies: CalendarReplies
  readonly addresses: AddressInvitations
  readonly roomsGone: InvitationsOfRoomsGone
  /** What to do about EDUs of other servers, by type. */
  readonly eduHandlers: Readonly<Record<string, ReceiveEdu>>
  /** Reads what a client asks for. Throws `M_INVALID_PARAM`. */
  plan(request: InvitationRequest | undefined): InvitationPlan
  start(): void
  close(): Promise<void>
}

/** Builds what knows about invitations, and has memberships ask it. */
export const createInvitations = (parts: {
  core: RoomCore
  rooms: Pick<RoomServices, 'memberships'>
  roomSummaries: RoomSummaries
  people: AddressBook
  /** If invitations are mailed. */
  mail?: InvitationMailParts | undefined
  limits: InvitationLimits
  peers: InvitationPeers
  /** Why an account may not act any more, in its absence. */
  standing(userId: string): Promise<MatrixError | undefined>
  clock: Clock
  log: Log
}): Invitations => {
  const { core, clock, limits, log, people } = parts
  const { memberships } = parts.rooms
  const { writer } = core
  const { db: database, read, serverName, processes } = core.context
  const records = new InvitationRecords(database)
  const sole = processes.soleWork('invitation records')
  const follower = new InvitationFollower({
    ...{ database, read, records, sole, clock, serverName, log },
    redactions: fenced => new InvitationRedactions({ writer, database, records: fenced }),
  })
  const shared = { writer, memberships, records, follower, clock }
  const sending = new InvitationSending({ ...shared, core, limits, standing: parts.standing })
  const withdrawal = new Withdrawal({ ...shared, peers: parts.peers })
  const edus = new WithdrawalEdus({ ...shared, database, withdrawal, serverName })
  const listing = new InvitationListing({
    ...shared,
    context: core.context,
    summaries: parts.roomSummaries,
    views: core.views,
  })
  const answers = new UntoldAnswers({ ...shared, sender: core.sender, log })
  const due = new DueInvitations({ ...shared, sending, withdrawal, answers, log })
  memberships.invitationChecks.push(({ sender, userId, roomId }) =>
    sending.checkBounds(sender, userId, roomId),
  )
  memberships.joinChecks.push(join => withdrawal.checkJoin(join))
  const sendsMail = parts.mail !== undefined
  const addresses = new AddressInvitations({ ...shared, sending, people, sendsMail, log })
  const roomsGone = new InvitationsOfRoomsGone({ ...shared, serverName })
  const housekeeping = new InvitationHousekeeping({
    ...{ database, records, edus, addresses, roomsGone, clock, limits, log },
  })
  const mail =
    parts.mail &&
    new InvitationMail({
      ...{ ...shared, database, listing, people, log },
      mail: parts.mail,
      sole: processes.soleWork('invitation mail'),
    })
  memberships.declining.onUntold = leave => answers.keep(leave)
  return {
    ...{ records, follower, sending, withdrawal, addresses, roomsGone },
    eduHandlers: { [WITHDRAWAL_EDU]: edus.receive },
    listing,
    replies: new CalendarReplies({ listing, memberships, addressesOf: userId => people.addressesOf(userId) }),
    plan: request => planOf(request, clock.now()),
    start: () => {
      follower.start()
      due.work.start()
      housekeeping.start()
      mail?.start()
    },
    close: async () => {
      await mail?.close()
      await due.work.close()
      await housekeeping.close()
      await follower.close()
    },
  }
}

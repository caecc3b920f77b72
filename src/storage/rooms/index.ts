import type { SignEvent } from '../../core/event/builder.ts'
import type { Reader } from '../database.ts'
import { messageIndex } from '../dialect/message-index.ts'
import { ReleaseWriter } from '../media/references.ts'
import { AliasReader, AliasWriter } from './aliases.ts'
import { AuthGraphReader } from './auth-graph.ts'
import { AwaitingAuthReader, AwaitingAuthWriter } from './awaiting-auth.ts'
import { DelayedEventReader, DelayedEventWriter } from './delayed-events.ts'
import { EventCache } from './event-cache.ts'
import { EventNews } from './event-news.ts'
import { EventWriter } from './event-writer.ts'
import { EventReader } from './events.ts'
import { GoingRoomReader } from './going-rooms.ts'
import { InvitationReader, InvitationWriter } from './invitations.ts'
import { MemberMoveReader } from './member-moves.ts'
import { MembershipWriter } from './membership-writer.ts'
import { MembershipReader } from './memberships.ts'
import type { MessageIndex } from './message-index.ts'
import { PartialRoomWriter } from './partial-room-writer.ts'
import { PartialRoomReader } from './partial-rooms.ts'
import { PassingEvents } from './passing-events.ts'
import { RedactionReader, RedactionWriter } from './redactions.ts'
import { RelationWriter } from './relation-writer.ts'
import { RelationReader } from './relations.ts'
import { RemovedMembershipReader, RemovedMembershipWriter } from './removed-memberships.ts'
import { RoomReader, RoomWriteStatements } from './rooms.ts'
import { StateReader } from './state.ts'
import { StateWriter } from './state-writer.ts'
import { StickyEventReader, StickyEventWriter } from './sticky-events.ts'
import { SummaryReader, SummaryWriter } from './summaries.ts'
import { ThreadReader } from './threads.ts'
import { TimelineGapReader, TimelineGapWriter } from './timeline-gaps.ts'
import { TransactionReader, TransactionWriter } from './transactions.ts'
import { UserDirectoryReader, UserDirectoryWriter } from './user-directory.ts'

/** Everything that can be read about rooms. */
export interface RoomReaders {
  readonly rooms: RoomReader
  readonly events: EventReader
  readonly passing: PassingEvents
  readonly authGraph: AuthGraphReader
  readonly news: EventNews
  readonly state: StateReader
  readonly memberships: MembershipReader
  readonly memberMoves: MemberMoveReader
  readonly invitations: InvitationReader
  readonly aliases: AliasReader
  readonly messages: Pick<MessageIndex, 'search'>
  readonly partial: PartialRoomReader
  readonly going: GoingRoomReader
  readonly redactions: RedactionReader
  readonly relations: RelationReader
  readonly removed: RemovedMembershipReader
  readonly threads: ThreadReader
  readonly awaitingAuth: AwaitingAuthReader
  readonly delayedEvents: DelayedEventReader
  readonly sticky: StickyEventReader
  readonly summaries: SummaryReader
  readonly gaps: TimelineGapReader
  readonly transactions: TransactionReader
  readonly userDirectory: UserDirectoryReader
}

/** The builders of everything that can be written about rooms. */
export interface RoomWriters {
  readonly rooms: RoomWriteStatements
  readonly events: EventWriter
  readonly state: StateWriter
  readonly memberships: MembershipWriter
  readonly invitations: InvitationWriter
  readonly aliases: AliasWriter
  readonly messages: Pick<MessageIndex, 'insert' | 'remove'>
  readonly files: ReleaseWriter
  readonly partial: PartialRoomWriter
  readonly redactions: RedactionWriter
  readonly relations: RelationWriter
  readonly removed: RemovedMembershipWriter
  readonly awaitingAuth: AwaitingAuthWriter
  readonly delayedEvents: DelayedEventWriter
  readonly sticky: StickyEventWriter
  readonly summaries: SummaryWriter
  readonly gaps: TimelineGapWriter
  readonly transactions: TransactionWriter
  readonly userDirectory: UserDirectoryWriter
}

/** Makes the readers; one set per process, since they share what is kept in memory. `sign` as of `EventReader`. */
export const roomReaders = (
  db: Reader,
  sign?: SignEvent,
  news = new EventNews(db),
  cache = new EventCache(),
): RoomReaders => ({
  rooms: new RoomReader(db),
  events: new EventReader(db, cache, sign),
  passing: new PassingEvents(db, cache),
  authGraph: new AuthGraphReader(db, cache),
  news,
  state: new StateReader(db, news),
  memberships: new MembershipReader(db, news),
  memberMoves: new MemberMoveReader(db, news),
  invitations: new InvitationReader(db),
  aliases: new AliasReader(db),
  messages: messageIndex(db),
  partial: new PartialRoomReader(db, news),
  going: new GoingRoomReader(db),
  redactions: new RedactionReader(db),
  relations: new RelationReader(db),
  removed: new RemovedMembershipReader(db),
  threads: new ThreadReader(db),
  awaitingAuth: new AwaitingAuthReader(db),
  delayedEvents: new DelayedEventReader(db),
  sticky: new StickyEventReader(db),
  summaries: new SummaryReader(db),
  gaps: new TimelineGapReader(db),
  transactions: new TransactionReader(db),
  userDirectory: new UserDirectoryReader(db),
})

/** Makes the builders of statements. */
export const roomWriters = (db: Reader): RoomWriters => ({
  rooms: new RoomWriteStatements(db),
  events: new EventWriter(db),
  state: new StateWriter(db),
  memberships: new MembershipWriter(db),
  invitations: new InvitationWriter(db),
  aliases: new AliasWriter(db),
  files: new ReleaseWriter(db),
  messages: messageIndex(db),
  partial: new PartialRoomWriter(db),
  redactions: new RedactionWriter(db),
  relations: new RelationWriter(db),
  removed: new RemovedMembershipWriter(db),
  awaitingAuth: new AwaitingAuthWriter(db),
  delayedEvents: new DelayedEventWriter(db),
  sticky: new StickyEventWriter(db),
  summaries: new SummaryWriter(db),
  gaps: new TimelineGapWriter(db),
  transactions: new TransactionWriter(db),
  userDirectory: new UserDirectoryWriter(db),
})

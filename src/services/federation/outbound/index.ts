import type { Answer } from '../../answer.ts'
import type { KeepEdus } from '../../kept-edus.ts'
import type { QueryRemoteAlias } from '../../rooms/directory.ts'
import type { FetchHistory } from '../../rooms/history-pages.ts'
import type { RemoteMemberships } from '../../rooms/ports.ts'
import type { RoomHead } from '../../rooms/room-head.ts'
import { RoomCompleter } from './completion/room-completer.ts'
import type { OutboundContext } from './context.ts'
import { HistoryFetcher } from './history/fetch-history.ts'
import { type ReachBack, ReachingBack } from './history/reach-back.ts'
import { LeaveReminders } from './leave-reminders.ts'
import { type QueryProfile, remoteQueries } from './queries.ts'
import { RemoteMembershipHandshakes } from './remote-memberships.ts'
import type { OutgoingEdu } from './sender/outgoing-edu.ts'
import { FederationSender, type SenderOptions } from './sender/sender.ts'

export type { OutgoingEdu } from './sender/outgoing-edu.ts'

/** What this server asks of other servers, and sends to them. */
export interface Outbound {
  readonly remote: RemoteMemberships
  /** Settles when no join of the room through another server is under way. */
  readonly joinsIdle: (roomId: string) => Answer<void>
  readonly queryAlias: QueryRemoteAlias
  readonly queryProfile: QueryProfile
  readonly fetchHistory: FetchHistory
  readonly reachBack: ReachBack
  /** Queues an EDU for other servers; durable when this resolves, if it is to be kept. */
  readonly queueEdu: (edu: OutgoingEdu) => Promise<void>
  /** What keeps EDUs, as a part of somebody else's write set. */
  readonly keepEdus: KeepEdus
  /** To be told of every server whose request has been verified: it is there, and may be tried again. Cheap. */
  readonly resetBackoff: (server: string) => void
  /** To be told of servers that send events of a room that nobody here is in. Cheap. */
  readonly remindOfLeaves: (server: string, head: RoomHead) => void
  /** Begins to send. */
  readonly start: () => Promise<void>
  readonly close: () => Promise<void>
}

/** Builds the outgoing half of federation. `permits` is everybody if not given. */
export const createOutbound = (
  parts: Omit<OutboundContext, 'permits'> & Partial<Pick<OutboundContext, 'permits'>> & SenderOptions,
): Outbound => {
  const context: OutboundContext = { permits: () => true, ...parts }
  const sender = new FederationSender(context, parts)
  const completer = new RoomCompleter(context, missed => sender.catchUp(missed))
  const remote = new RemoteMembershipHandshakes(context, {
    onHandedIn: eventId => sender.handedIn(eventId),
    complete: (...completion) => completer.complete(...completion),
    finishStay: (roomId, server) => completer.finishStay(roomId, server),
  })
  const history = new HistoryFetcher(context)
  const reminders = new LeaveReminders(context)
  const reachingBack = new ReachingBack(context, history)
  return {
    remote,
    fetchHistory: (roomId, limit, base) => history.fetch(roomId, limit, base),
    reachBack: (roomId, instant) => reachingBack.fetch(roomId, instant),
    joinsIdle: roomId => remote.joinsIdle(roomId),
    ...remoteQueries(context.federation),
    queueEdu: edu => sender.edus.queue(edu),
    keepEdus: edus => sender.edus.keep(edus),
    resetBackoff: server => {
      history.heardOf(server)
      sender.resetBackoff(server)
    },
    remindOfLeaves: (server, head) => reminders.remind(server, head),
    start: async () => {
      await Promise.all([sender.start(), completer.start()])
    },
    close: async () => {
      await Promise.all([completer.close(), reminders.close()])
      await sender.close()
    },
  }
}

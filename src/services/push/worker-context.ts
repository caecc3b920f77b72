import type { Clock } from '../../core/clock.ts'
import type { Log } from '../../core/log.ts'
import type { AtMost } from '../../network/at-most.ts'
import type { PushGateway } from '../../network/push-gateway.ts'
import type { Database } from '../../storage/database.ts'
import type { PushActionReader } from '../../storage/push/push-actions.ts'
import type { PusherReader, PusherWriter } from '../../storage/push/pushers.ts'
import type { InvitationReader } from '../../storage/rooms/invitations.ts'
import type { Announcements } from './announcements.ts'
import type { GatewayTroubles } from './gateway-troubles.ts'
import type { PushDetails } from './push-message.ts'
import type { UnreadCounts } from './unread.ts'

/** What all push workers share. */
export interface WorkerContext {
  readonly db: Database
  readonly gateway: PushGateway
  readonly pushers: { readonly read: PusherReader; readonly write: PusherWriter }
  readonly actions: PushActionReader
  readonly invitations: InvitationReader
  readonly announcements: Announcements
  readonly unread: UnreadCounts
  readonly troubles: Pick<GatewayTroubles, 'failed' | 'unserved'>
  readonly details: PushDetails
  /** Takes turns at the long reads, for which others wait as well: one message may wake the workers of thousands. */
  readonly reading: AtMost
  /** Up to where events are counted. */
  readonly counted: () => number
  readonly clock: Clock
  readonly log: Log
  /** From 0 up to, not including, 1. */
  readonly random: () => number
  readonly closing: AbortSignal
}

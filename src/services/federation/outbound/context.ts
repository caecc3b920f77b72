import type { Clock } from '../../../core/clock.ts'
import type { Log } from '../../../core/log.ts'
import type { FederationClient } from '../../../network/federation-client.ts'
import type { Metrics } from '../../metrics/index.ts'
import type { RoomCore } from '../../rooms/index.ts'
import type { VerifyEvents } from './ports.ts'

/** What the parts of the outgoing side share. */
export interface OutboundContext {
  readonly core: RoomCore
  readonly federation: FederationClient
  readonly verifyEvents: VerifyEvents
  /** Whether the operator lets us talk to a server. */
  readonly permits: (server: string) => boolean
  readonly clock: Clock
  readonly log: Log
  readonly metrics?: Metrics['federation'] | undefined
}

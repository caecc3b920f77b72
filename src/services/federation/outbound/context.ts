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
  /** Told of a server whose signatures are about to be verified: its keys can be fetched meanwhile. */
  readonly expectKeysOf?: ((server: string) => void) | undefined
  /** Whether the operator lets us talk to a server. */
  readonly permits: (server: string) => boolean
  readonly clock: Clock
  readonly log: Log
  readonly metrics?: Metrics['federation'] | undefined
}

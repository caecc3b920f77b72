import type { Clock } from '../../../../core/clock.ts'
import type { Log } from '../../../../core/log.ts'
import type { BackoffPolicy } from '../../../../network/backoff.ts'
import type { Writer } from '../../../../storage/database.ts'
import type { OutboxReader, OutgoingRow, PendingRoom } from '../../../../storage/federation/outbox-reader.ts'
import type { OutboxWriter } from '../../../../storage/federation/outbox-writer.ts'
import type { Lanes } from '../lanes.ts'
import type { Destination } from './destination.ts'
import type { Outgoing } from './transaction.ts'

/** What all destinations of a sender share. */
export interface SenderContext {
  readonly database: Writer
  readonly read: OutboxReader
  readonly write: OutboxWriter
  readonly clock: Clock
  readonly log: Log
  readonly policy: BackoffPolicy
  /** A random number from 0 up to, not including, 1. */
  readonly fraction: () => number
  readonly lanes: Lanes
  /** Whether the operator lets us talk to a server. */
  readonly permits: (server: string) => boolean
  /** Aborted when the sender closes. */
  readonly closing: AbortSignal
  /** Sends one transaction with these EDUs (JSON texts). Throws `FederationError`. */
  readonly transact: (server: string, transaction: Outgoing, edus: readonly string[]) => Promise<void>
  /** A transaction ID that was not used before. */
  readonly newTxnId: () => string
  /** Counts an event or EDU that its destination never took. */
  readonly onSetAside: (kind: 'pdu' | 'edu') => void
  /** Of these events, the nids of those that the server is to get. */
  readonly isFor: (server: string, rows: readonly OutgoingRow[]) => Promise<ReadonlySet<number>>
  /** The sticky events of ours in a part of a room that have not run out, if the server is in the room; so many at most. */
  readonly stickyFor: (server: string, room: PendingRoom, limit: number) => Promise<readonly OutgoingRow[]>
  /** A server that did not answer is there again. */
  readonly onBack: (server: string) => void
  readonly onIdle: (destination: Destination) => void
}

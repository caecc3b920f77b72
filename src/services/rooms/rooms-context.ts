import type { LRUCache } from 'lru-cache'
import type { Clock } from '../../core/clock.ts'
import type { Log } from '../../core/log.ts'
import type { Database } from '../../storage/database.ts'
import type { NidAllocator } from '../../storage/nids.ts'
import type { RoomReaders, RoomWriters } from '../../storage/rooms/index.ts'
import type { Metrics } from '../metrics/index.ts'
import type { Processes } from '../processes.ts'
import type { AuthEdges } from './auth-walk.ts'
import type { Erasures } from './erasures.ts'
import type { PartialRooms } from './partial-rooms.ts'
import type { Resolver } from './resolver.ts'
import type { StateResets } from './state-resets.ts'

/** What the room services share. */
export interface RoomsContext {
  readonly db: Database
  readonly read: RoomReaders
  readonly write: RoomWriters
  readonly nids: NidAllocator
  readonly clock: Clock
  readonly serverName: string
  /** Random bytes, for room IDs of old room versions. */
  readonly random: (size: number) => Uint8Array
  readonly log: Log
  readonly metrics?: Pick<Metrics['rooms'], 'stored' | 'resolved' | 'reset'> | undefined
  readonly resolver: Resolver
  readonly resets: StateResets
  readonly partial: PartialRooms
  readonly erasures: Erasures
  /** The auth graphs of the rooms that were resolved last, by nid: as far as they were walked. */
  readonly authEdges: LRUCache<number, AuthEdges>
  /** This process and the others on the database. */
  readonly processes: Processes
}

import type { RoomCore, RoomServices } from '../rooms/index.ts'
import { EventStream } from './event-stream.ts'
import { RoomSnapshots } from './room-snapshots.ts'

/** What clients used before `/sync`, and peek by. */
export interface OldSyncServices {
  readonly roomSnapshots: RoomSnapshots
  readonly eventStream: EventStream
}

/** Builds the endpoints' services over the room services. */
export const createOldSync = (
  { context, clientEvents, views }: RoomCore,
  rooms: Pick<RoomServices, 'roomReading' | 'roomHistory'>,
): OldSyncServices => ({
  roomSnapshots: new RoomSnapshots({ context, views, ...rooms }),
  eventStream: new EventStream({ context, clientEvents, ignoredUsers: views.ignoredUsers }),
})

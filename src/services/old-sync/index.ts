import type { RoomCore, RoomServices } from '../rooms/index.ts'
import type { SyncStreams } from '../sync/room-sync.ts'
import { EventStream } from './event-stream.ts'
import { OwnNews } from './own-news.ts'
import { RoomNews } from './room-news.ts'
import { RoomSnapshots } from './room-snapshots.ts'
import { RoomWakes } from './room-wakes.ts'

/** What clients used before `/sync`, and peek by. */
export interface OldSyncServices {
  readonly roomSnapshots: RoomSnapshots
  readonly eventStream: EventStream
}

/** Builds the endpoints' services over the room services and the streams of `/sync`. */
export const createOldSync = (
  { context, clientEvents, views }: RoomCore,
  rooms: Pick<RoomServices, 'roomReading' | 'roomHistory'>,
  streams: SyncStreams,
): OldSyncServices => {
  const news = new RoomNews({ context, clientEvents, ignoredUsers: views.ignoredUsers })
  const own = new OwnNews({ context, views, streams, rooms: news })
  return {
    roomSnapshots: new RoomSnapshots({ context, views, own, ...rooms }),
    eventStream: new EventStream({
      context,
      rooms: news,
      own,
      wakes: new RoomWakes(context.db, streams.reader),
    }),
  }
}

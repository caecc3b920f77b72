import type { RoomCore, RoomServices } from '../rooms/index.ts'
import { accessOf, administratorAccess } from '../rooms/room-access.ts'
import { openSights } from '../rooms/room-sight.ts'
import { EventByTimestamp } from './event-by-timestamp.ts'
import type { RemoteDiscovery } from './ports.ts'
import { PublicRooms } from './public-rooms.ts'
import { administrator } from './room-previews.ts'
import { RoomSummaries } from './room-summaries.ts'
import { SpaceHierarchy } from './space-hierarchy.ts'

/** How rooms are found by people who are not in them. */
export interface DiscoveryServices {
  readonly publicRooms: PublicRooms
  readonly roomSummaries: RoomSummaries
  readonly spaceHierarchy: SpaceHierarchy
  readonly eventByTimestamp: EventByTimestamp
}

/** Builds discovery over the room services. */
export const createDiscovery = (parts: {
  core: RoomCore
  rooms: Pick<RoomServices, 'directory'>
  remote: RemoteDiscovery
  /** Whether there is a room directory. */
  hasDirectory: boolean
  /** Whether other servers may read it. */
  directoryIsForServers: boolean
  /** Whether those may who do not say who they are; they may, if not given. */
  directoryIsForStrangers?: boolean
}): DiscoveryServices => {
  const { core, rooms, remote } = parts
  const { context, writer } = core
  return {
    publicRooms: new PublicRooms({
      writer,
      remote,
      isEnabled: parts.hasDirectory,
      isForServers: parts.directoryIsForServers,
      isForStrangers: parts.directoryIsForStrangers ?? true,
    }),
    roomSummaries: new RoomSummaries({ context, directory: rooms.directory, remote }),
    spaceHierarchy: new SpaceHierarchy({ context, remote }),
    eventByTimestamp: new EventByTimestamp({
      ...{ context, remote },
      access: accessOf,
      sights: core.views.sights,
    }),
  }
}

/** The same for administrators, who see all rooms that are known here; no others are asked for. */
export const createOpenDiscovery = (
  { context }: RoomCore,
  remote: RemoteDiscovery,
): Pick<DiscoveryServices, 'spaceHierarchy' | 'eventByTimestamp'> => ({
  spaceHierarchy: new SpaceHierarchy({
    context,
    remote: { hierarchy: async () => undefined },
    asking: () => administrator,
  }),
  eventByTimestamp: new EventByTimestamp({
    ...{ context, remote },
    access: administratorAccess,
    sights: openSights,
  }),
})

import { createDiscovery } from '../services/discovery/index.ts'
import type { RemoteDiscovery } from '../services/discovery/ports.ts'
import { testDatabase } from './database.ts'
import { testRooms } from './rooms.ts'

/** What another server tells of a room of its own in a hierarchy, by the IDs of the room's children. */
export const remoteRoom = (roomId: string, more: object = {}, children: readonly string[] = []) => ({
  summary: {
    room_id: roomId,
    num_joined_members: 7,
    world_readable: false,
    guest_can_join: false,
    join_rule: 'public',
    ...more,
  },
  childrenState: children.map(child => ({
    type: 'm.space.child',
    state_key: child,
    sender: '@x:there.test',
    content: { via: ['there.test'] },
    origin_server_ts: 1,
  })),
})

/** Discovery of a server that asks others, which answer as given. */
export const discoveryOver = async (
  t: Parameters<typeof testDatabase>[0],
  answers: Partial<RemoteDiscovery>,
) => {
  const { core, rooms, clock } = await testRooms(await testDatabase(t))
  const unexpected = async (): Promise<never> => {
    throw new Error('nobody was to be asked')
  }
  const remote = { publicRooms: unexpected, hierarchy: unexpected, reachBack: unexpected, ...answers }
  return {
    core,
    rooms,
    clock,
    discovery: createDiscovery({ core, rooms, remote, hasDirectory: true, directoryIsForServers: true }),
  }
}

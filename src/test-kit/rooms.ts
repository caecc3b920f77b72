import { MatrixError } from '../core/errors.ts'
import { silentLog } from '../core/log.ts'
import { signingKeyFromSeed } from '../core/signing.ts'
import type { Requester } from '../services/requester.ts'
import type { QueryRemoteAlias } from '../services/rooms/directory.ts'
import { createRoomCore, createRooms, type RoomCore, type RoomServices } from '../services/rooms/index.ts'
import type { MemberProfile, RemoteMemberships } from '../services/rooms/ports.ts'
import type { NewRoom } from '../services/rooms/room-templates.ts'
import type { Database } from '../storage/database.ts'
import { NidAllocator } from '../storage/nids.ts'
import { FakeClock } from './fake-clock.ts'

/** Room services over a database, without federation: whoever asks for another server is refused. */
export interface TestRooms {
  readonly core: RoomCore
  readonly rooms: RoomServices
  readonly clock: FakeClock
}

const nobody = async (): Promise<never> => {
  throw new MatrixError('M_NOT_FOUND', 'There are no other servers in this test')
}

/** Builds the room services of `here.test` over a test database. */
export const testRooms = async (
  database: Database,
  options: {
    serverName?: string
    seed?: number
    profile?: MemberProfile
    remote?: Partial<RemoteMemberships>
    queryRemoteAlias?: QueryRemoteAlias
    clock?: FakeClock
    random?: (size: number) => Uint8Array
    core?: Pick<Parameters<typeof createRoomCore>[0], 'log' | 'metrics' | 'resolver'>
  } = {},
): Promise<TestRooms> => {
  const clock = options.clock ?? new FakeClock()
  let counter = 0
  const core = createRoomCore({
    database,
    clock,
    nids: await NidAllocator.open(database, 'rooms'),
    serverName: options.serverName ?? 'here.test',
    signingKey: signingKeyFromSeed('ed25519:1', new Uint8Array(32).fill(options.seed ?? 1)),
    random: options.random ?? (size => Uint8Array.from({ length: size }, () => counter++ % 256)),
    ...options.core,
  })
  const rooms = createRooms(core, {
    profile: options.profile ?? (async userId => ({ displayname: userId.slice(1).split(':')[0] ?? '' })),
    remote: { join: nobody, leave: nobody, knock: nobody, invite: nobody, ...options.remote },
    queryRemoteAlias: options.queryRemoteAlias ?? nobody,
    fetchHistory: async () => false,
    defaultRoomVersion: '12',
    log: silentLog,
  })
  return { core, rooms, clock }
}

/** A requester as the pipeline would make it. */
export const requesterOf = (userId: string, deviceId = 'DEVICE'): Requester => ({
  userId,
  deviceId,
  tokenId: `${userId} ${deviceId}`,
  isGuest: false,
  isAdmin: false,
})

/** A room as `createRoom` would ask for it, of the given creator. */
export const newRoom = (rooms: RoomServices, creator: string, fields: Partial<NewRoom> = {}): NewRoom => ({
  creator,
  version: rooms.roomSettings.versionFor(undefined),
  isPublic: false,
  invite: [],
  creationContent: {},
  initialState: [],
  powerLevelOverride: {},
  ...fields,
})

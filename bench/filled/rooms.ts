import { DEFAULT_ROOM_VERSION, roomVersion } from '../../src/core/room-versions.ts'
import { RoomCreator } from '../../src/services/rooms/room-creator.ts'
import type { NewRoom } from '../../src/services/rooms/room-templates.ts'
import { IDS_AT_HAND, say } from './events.ts'
import {
  displayName,
  EVERYWHERE,
  HALF,
  LARGE_ROOM,
  ONCE,
  roomAlias,
  type Said,
  type Signer,
  userId,
  type World,
} from './world.ts'

/** Somebody in a room; `user` is missing for those of other servers. */
export interface Member {
  readonly userId: string
  readonly user?: number
  readonly name: string
  readonly signer: Signer
}

/** A room that was made. */
export interface FilledRoom {
  readonly roomId: string
  readonly nid: number
  readonly isEncrypted: boolean
  readonly members: readonly Member[]
}

/** So many members join in one write set. */
const BATCH = 100
/** Every third room is private and encrypted, every fourth has members of other servers. */
const PRIVATE = 3
const FEDERATED = 4

/** Makes the rooms with their members: a large one, some of hundreds, and many of a few. */
export const makeRooms = async (world: World): Promise<FilledRoom[]> => {
  const { scale, core, home, pace } = world
  const creator = new RoomCreator(core.writer, home.key)
  const rooms: FilledRoom[] = []
  for (let index = 0; index < scale.rooms; index++) {
    const members = membersOf(world, index)
    await pace.add(
      makeRoom(world, creator, index, members).then(room => {
        rooms[index] = room
      }),
    )
    pace.show(index, scale.rooms)
  }
  await pace.done()
  return rooms
}

const makeRoom = async (
  world: World,
  creator: RoomCreator,
  index: number,
  members: readonly Member[],
): Promise<FilledRoom> => {
  const [founder, ...others] = members
  if (founder === undefined) throw new Error('a room has no members')
  const isEncrypted = index % PRIVATE === PRIVATE - 1
  await world.nids.ensure(IDS_AT_HAND)
  const roomId = await creator.create(newRoom(world, index, founder, isEncrypted), joined(founder))
  const batches = Array.from({ length: Math.ceil(others.length / BATCH) }, (_, batch) =>
    others
      .slice(batch * BATCH, (batch + 1) * BATCH)
      .flatMap(member => entering(member, founder, isEncrypted)),
  )
  await Promise.all(batches.map(said => say(world, roomId, said)))
  const head = await world.core.writer.recentHead(roomId)
  return { roomId, nid: head?.room.nid ?? 0, isEncrypted, members }
}

const newRoom = (world: World, index: number, founder: Member, isEncrypted: boolean): NewRoom => {
  const version = roomVersion(DEFAULT_ROOM_VERSION)
  if (version === undefined) throw new Error('there is no default room version')
  return {
    ...{ creator: founder.userId, version, isPublic: !isEncrypted, invite: [] },
    ...{ creationContent: {}, initialState: [], powerLevelOverride: {} },
    name: `Room number ${index}`,
    topic: `What is said about the subject ${index}`,
    ...(isEncrypted ? { encryption: 'm.megolm.v1.aes-sha2' } : { alias: roomAlias(world, index) }),
  }
}

const joined = (member: Member) => ({ membership: 'join', displayname: member.name })

const entering = (member: Member, founder: Member, isPrivate: boolean): Said[] => {
  const event = { type: 'm.room.member', stateKey: member.userId }
  const invite = {
    ...event,
    sender: founder.userId,
    content: { membership: 'invite' },
    signer: founder.signer,
  }
  const join = { ...event, sender: member.userId, content: joined(member), signer: member.signer }
  return isPrivate ? [invite, join] : [join]
}

/** The first is of this server, and founds it. */
const membersOf = (world: World, index: number): Member[] => {
  const { scale, random } = world
  if (index === LARGE_ROOM) {
    const local = Array.from({ length: scale.users }, (_, user) => localMember(world, user))
    const remote = Array.from({ length: scale.members - scale.users }, (_, n) => remoteMember(world, n))
    return [...local, ...remote]
  }
  // As many as room sizes are found to be: a few large ones, a long tail of small ones.
  const size = 2 + Math.floor(0.25 * scale.users * index ** -0.8)
  const users = new Set([EVERYWHERE])
  if (index % 2 === 0) users.add(HALF)
  while (users.size < size) {
    const user = random.below(scale.users)
    if (user !== ONCE) users.add(user)
  }
  const local = [...users].map(user => localMember(world, user))
  if (index % FEDERATED !== 0) return local
  const others = Array.from({ length: 1 + Math.floor(size / 10) }, (_, n) => remoteMember(world, n * index))
  return [...local, ...new Map(others.map(member => [member.userId, member])).values()]
}

const localMember = (world: World, user: number): Member => ({
  ...{ user, userId: userId(world, user), name: displayName(user) },
  signer: world.home,
})

const remoteMember = ({ others }: World, n: number): Member => {
  const signer = others[n % others.length]
  if (signer === undefined) throw new Error('there are no other servers')
  return { userId: `@member${n}:${signer.serverName}`, name: `Member ${n}`, signer }
}

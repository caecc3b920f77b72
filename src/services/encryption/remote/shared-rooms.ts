import { serverNameOf } from '../../../core/ids.ts'
import type { WriteStatement } from '../../../storage/database.ts'
import { EventSteps } from '../../../storage/rooms/event-steps.ts'
import type { KeepEdus, KeptEdu } from '../../kept-edus.ts'
import type { EncryptionContext } from '../context.ts'
import { type EventSpan, Stays } from '../stays.ts'
import type { DeviceListEdus } from './device-list-edus.ts'
import { EduFollower, type EduStep } from './edu-follower.ts'

/** Events of the stream that are worked on at once. */
const BATCH = 1_000

/** Of a room with more users of ours, a server that joins asks for the lists that it needs. */
const MAX_INTRODUCED = 1_000

/** A room, and the position since which it has to have been shared for what is known to be good. */
interface Contact {
  readonly roomNid: number
  readonly since: number
}

/** What is to be done because of who came into rooms, and who went. */
interface Outcome {
  /** Local users and the servers that they are introduced to. */
  readonly meetings: Map<string, Set<string>>
  readonly statements: WriteStatement[]
}

/**
 * Follows who comes to share rooms with whom, and who ceases to. Servers that come to share a room with a local user are
 * told of the user's devices ("when that user joins a room which contains servers which are not already receiving
 * updates for that user's device list"); remote users are followed only as long as their servers tell us of changes. Both
 * go by stays, in whichever way they begin and end: without anybody's joining, too, as states are resolved.
 */
export class SharedRooms {
  readonly follower: EduFollower
  readonly #context: EncryptionContext
  readonly #edus: DeviceListEdus
  readonly #stays: Stays

  constructor(context: EncryptionContext, parts: { edus: DeviceListEdus; keepEdus: KeepEdus }) {
    const steps = new EventSteps(context.database, BATCH)
    this.follower = new EduFollower(context, {
      ...{ name: 'followed device lists', stream: 'events', keepEdus: parts.keepEdus },
      work: async (after, upTo) => this.#follow({ after, upTo: await steps.end(after, upTo) }),
    })
    this.#context = context
    this.#edus = parts.edus
    this.#stays = new Stays(context.rooms)
  }

  async #follow(span: EventSpan): Promise<EduStep> {
    const outcome: Outcome = { meetings: new Map(), statements: [] }
    for (const [roomNid, userIds] of await this.#moves(span))
      await this.#followRoom(roomNid, userIds, span, outcome)
    for (const room of await this.#context.rooms.partial.completedBetween(span.after, span.upTo))
      await this.#meetLate(room, outcome)
    const edus: KeptEdu[] = []
    for (const [userId, hosts] of outcome.meetings)
      edus.push(...(await this.#edus.introduction(userId, [...hosts])))
    return { edus, statements: outcome.statements, reached: span.upTo }
  }

  /** Whose memberships have changed, by room: nearly always nobody's. */
  async #moves({ after, upTo }: EventSpan): Promise<Map<number, Set<string>>> {
    const moves = await this.#context.rooms.memberMoves.between(after, upTo)
    const byRoom = Map.groupBy(moves, ({ roomNid }) => roomNid)
    return new Map([...byRoom].map(([nid, members]) => [nid, new Set(members.map(({ userId }) => userId))]))
  }

  /** Whoever is out of a room may change devices without our being told; a later return does not make up for that. */
  async #followRoom(
    roomNid: number,
    userIds: ReadonlySet<string>,
    span: EventSpan,
    { meetings, statements }: Outcome,
  ): Promise<void> {
    const { write, serverName, isLocal } = this.#context
    const room = { roomNid, since: span.after }
    const hasStayed = await this.#hasStayed(room, span)
    const hosts = new Set<string>()
    for (const userId of userIds) {
      const isOurs = isLocal(userId)
      // Where all of ours are new, or gone, it does not matter what became of anybody else.
      if (!hasStayed && !isOurs) continue
      const { was, is, isUnbroken } = await this.#stays.over({ roomNid, userId }, span)
      if (isUnbroken) continue
      const hasGone = was || !is
      if (hasGone && !isOurs) statements.push(write.remoteDevices.forgetUser(userId, room, serverName))
      if (hasGone && !hasStayed) statements.push(write.remoteDevices.forgetRoom(room, serverName))
      if (is && isOurs) meet(meetings, userId, await this.#hostsFor(userId, room))
      if (is && !isOurs) hosts.add(serverNameOf(userId))
    }
    for (const host of hosts)
      for (const userId of await this.#usersFor(host, room)) meet(meetings, userId, [host])
  }

  /** Whether any of ours has been in a room all the time. */
  async #hasStayed({ roomNid, since }: Contact, span: EventSpan): Promise<boolean> {
    const { read, serverName } = this.#context
    if (await read.companions.hasMemberSince(roomNid, serverName, since)) return true
    for (const { userId } of await read.companions.ofHost(roomNid, serverName))
      if ((await this.#stays.over({ roomNid, userId }, span)).isUnbroken) return true
    return false
  }

  /** The servers that may know nothing of a local user who has come into a room. */
  async #hostsFor(userId: string, { roomNid, since }: Contact): Promise<string[]> {
    const { read, rooms, serverName } = this.#context
    // While members are not known, the servers that are told to be in the room stand for them.
    const partial = await rooms.partial.open(roomNid)
    const hosts = await read.companions.hostsNewTo({ roomNid, userId }, since, serverName)
    if (partial === undefined) return hosts
    const known = new Set([serverName, ...(await read.companions.hostsOf(userId))])
    return [...hosts, ...partial.servers.filter(host => !known.has(host))]
  }

  /** The local users of whom a server whose user has come into a room may know nothing. */
  async #usersFor(host: string, room: Contact): Promise<string[]> {
    const { read, serverName: ownHost } = this.#context
    const users = await read.companions.usersNewTo(host, room, { ownHost, limit: MAX_INTRODUCED + 1 })
    return users.length > MAX_INTRODUCED ? [] : users
  }

  /** What is to be said in a room that was joined without its members, to servers that were not known to be in it. */
  async #meetLate(
    { roomNid, servers }: { readonly roomNid: number; readonly servers: readonly string[] },
    { meetings }: Outcome,
  ): Promise<void> {
    const { read, serverName } = this.#context
    const members = await read.companions.ofHost(roomNid, serverName)
    for (const { userId, position } of members.slice(0, MAX_INTRODUCED)) {
      const hosts = await read.companions.hostsNewTo({ roomNid, userId }, position - 1, serverName)
      const late = hosts.filter(host => !servers.includes(host))
      meet(meetings, userId, late)
    }
  }
}

const meet = (meetings: Outcome['meetings'], userId: string, hosts: readonly string[]): void => {
  const known = meetings.get(userId) ?? new Set()
  for (const host of hosts) known.add(host)
  meetings.set(userId, known)
}

import { serverNameOf } from '../../../core/ids.ts'
import type { WriteStatement } from '../../../storage/database.ts'
import type { StoredEvent } from '../../../storage/rooms/events.ts'
import { membershipOf } from '../../rooms/room-head.ts'
import type { EncryptionContext } from '../context.ts'
import type { KeepEdus, OutgoingEdu } from '../ports.ts'
import type { DeviceListEdus } from './device-list-edus.ts'
import { EduFollower, type EduStep } from './edu-follower.ts'

/** Events that are worked on at once. */
const BATCH = 100

/** Of a room with more users of ours, a server that joins asks for the lists that it needs. */
const MAX_INTRODUCED = 1_000

interface MemberEvent {
  readonly position: number
  readonly roomNid: number
  readonly userId: string
}

/**
 * Follows who comes to share rooms with whom, and who ceases to. Servers that come to share a room with a local user are
 * told of the user's devices ("when that user joins a room which contains servers which are not already receiving
 * updates for that user's device list"); remote users are followed only as long as their servers tell us of changes.
 */
export class SharedRooms {
  readonly follower: EduFollower
  readonly #context: EncryptionContext
  readonly #edus: DeviceListEdus

  constructor(context: EncryptionContext, parts: { edus: DeviceListEdus; keepEdus: KeepEdus }) {
    this.follower = new EduFollower(context, {
      ...{ name: 'followed device lists', stream: 'events', keepEdus: parts.keepEdus },
      work: (after, upTo) => this.#follow(after, upTo),
    })
    this.#context = context
    this.#edus = parts.edus
  }

  async #follow(after: number, upTo: number): Promise<EduStep> {
    const { write, serverName } = this.#context
    const members = await this.#memberEvents(after, upTo)
    const edus: OutgoingEdu[] = []
    const statements: WriteStatement[] = []
    for (const member of members) {
      if ((await this.#joinAt(member, member.position)) === undefined) {
        // Whoever has left may change devices without our being told; a later return does not make up for that.
        statements.push(write.remoteDevices.forgetUnshared(member, serverName))
      } else {
        edus.push(...(await this.#newlyJoined(member)))
      }
    }
    const reached = members.length < BATCH ? upTo : (members.at(-1)?.position ?? upTo)
    for (const room of await this.#context.rooms.partial.completedBetween(after, reached)) {
      edus.push(...(await this.#lateIntroductions(room)))
    }
    return { edus, statements, reached }
  }

  /** What is to be said in a room that was joined without its members, to servers that were not known to be in it. */
  async #lateIntroductions(room: {
    readonly roomNid: number
    readonly servers: readonly string[]
  }): Promise<OutgoingEdu[]> {
    const { read, serverName, isLocal } = this.#context
    const members = (await read.deviceLists.ofRoom(room.roomNid, Number.MAX_SAFE_INTEGER)).filter(
      ({ userId, membership }) => membership === 'join' && isLocal(userId),
    )
    const edus: OutgoingEdu[] = []
    for (const member of members.slice(0, MAX_INTRODUCED)) {
      const hosts = await read.deviceLists.hostsNewTo(member, serverName)
      const late = hosts.filter(host => !room.servers.includes(host))
      edus.push(...(await this.#edus.introduction(member.userId, late)))
    }
    return edus
  }

  /** The next events that set memberships: nearly always there are none. */
  async #memberEvents(after: number, upTo: number): Promise<readonly MemberEvent[]> {
    const { read, rooms } = this.#context
    const news = await rooms.news.events(after, upTo)
    if (news?.every(({ type }) => type !== 'm.room.member')) return []
    return read.deviceLists.memberEvents(after, upTo, BATCH)
  }

  /** What is to be said because of a join, if it is one and not, say, another name. */
  async #newlyJoined(member: MemberEvent): Promise<OutgoingEdu[]> {
    const { read, serverName, isLocal } = this.#context
    const before = await this.#joinAt(member, member.position - 1)
    if (!isLocal(member.userId)) return before === undefined ? this.#introductions(member) : []
    const isNew = before === undefined || (await this.#isBroughtBack(member, before))
    const brought = isNew
      ? await read.deviceLists.arrivedWith(member, { host: serverName, limit: MAX_INTRODUCED })
      : []
    const edus: OutgoingEdu[] = []
    for (const userId of new Set(isNew ? [member.userId, ...brought] : []))
      edus.push(...(await this.#introductions({ ...member, userId })))
    return edus
  }

  /**
   * Whom others hold to be in the room, while this server knew nothing of it, or had them leave, has not been introduced to
   * anybody: by the description with which the room came, they were in it just before they came.
   */
  async #isBroughtBack(member: MemberEvent, { position }: StoredEvent): Promise<boolean> {
    if (position === undefined || position < 0) return true
    const described = member.position - 1
    return position < described && (await this.#joinAt(member, described - 1)) === undefined
  }

  /** What is to be said because somebody has joined. */
  async #introductions(member: MemberEvent): Promise<OutgoingEdu[]> {
    const { deviceLists } = this.#context.read
    const { serverName } = this.#context
    if (this.#context.isLocal(member.userId)) {
      // While members are not known, the servers that are told to be in the room stand for them.
      const partial = await this.#context.rooms.partial.open(member.roomNid)
      const known = new Set([serverName, ...(await deviceLists.hostsOf(member.userId))])
      const told = partial?.servers.filter(host => !known.has(host)) ?? []
      const hosts = [...(await deviceLists.hostsNewTo(member, serverName)), ...told]
      return this.#edus.introduction(member.userId, hosts)
    }
    const host = serverNameOf(member.userId)
    const users = await deviceLists.usersNewTo(host, member, { host: serverName, limit: MAX_INTRODUCED + 1 })
    if (users.length > MAX_INTRODUCED) return []
    const edus: OutgoingEdu[] = []
    for (const userId of users) edus.push(...(await this.#edus.introduction(userId, [host])))
    return edus
  }

  /** The member event by which a user was joined at a position. */
  async #joinAt({ roomNid, userId }: MemberEvent, position: number): Promise<StoredEvent | undefined> {
    const { state, events } = this.#context.rooms
    const nid = await state.point(roomNid, 'm.room.member', userId, position)
    const [stored] = nid === undefined ? [] : await events.byNids([nid])
    return stored !== undefined && membershipOf(stored.event) === 'join' ? stored : undefined
  }
}

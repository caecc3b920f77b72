import { serverNameOf } from '../../../core/ids.ts'
import type { WriteStatement } from '../../../storage/database.ts'
import type { MemberEvent } from '../../../storage/encryption/companions.ts'
import type { EncryptionContext } from '../context.ts'
import type { KeepEdus, OutgoingEdu } from '../ports.ts'
import { Stays } from '../stays.ts'
import type { DeviceListEdus } from './device-list-edus.ts'
import { EduFollower, type EduStep } from './edu-follower.ts'

/** Events that are worked on at once. */
const BATCH = 100

/** Of a room with more users of ours, a server that joins asks for the lists that it needs. */
const MAX_INTRODUCED = 1_000

/**
 * Follows who comes to share rooms with whom, and who ceases to. Servers that come to share a room with a local user are
 * told of the user's devices ("when that user joins a room which contains servers which are not already receiving
 * updates for that user's device list"); remote users are followed only as long as their servers tell us of changes.
 */
export class SharedRooms {
  readonly follower: EduFollower
  readonly #context: EncryptionContext
  readonly #edus: DeviceListEdus
  readonly #stays: Stays

  constructor(context: EncryptionContext, parts: { edus: DeviceListEdus; keepEdus: KeepEdus }) {
    this.follower = new EduFollower(context, {
      ...{ name: 'followed device lists', stream: 'events', keepEdus: parts.keepEdus },
      work: (after, upTo) => this.#follow(after, upTo),
    })
    this.#context = context
    this.#edus = parts.edus
    this.#stays = new Stays(context.rooms)
  }

  async #follow(after: number, upTo: number): Promise<EduStep> {
    const { write, serverName } = this.#context
    const members = await this.#memberEvents(after, upTo)
    const edus: OutgoingEdu[] = []
    const statements: WriteStatement[] = []
    const worked = new Map<string, number>()
    for (const member of members) {
      const key = `${member.roomNid} ${member.userId}`
      const span = { after: worked.get(key) ?? after, upTo: member.position }
      worked.set(key, member.position)
      // Most often somebody has another name.
      if (await this.#stays.isUnbroken(member, span)) continue
      const [was, is] = [
        await this.#stays.isIn(member, span.after),
        await this.#stays.isIn(member, span.upTo),
      ]
      // Whoever is out may change devices without our being told; a later return does not make up for that.
      if (was || !is) statements.push(write.remoteDevices.forgetUnshared(member, serverName))
      if (is) edus.push(...(await this.#arrivals(member)))
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
    const members = (await read.companions.ofRoom(room.roomNid, Number.MAX_SAFE_INTEGER)).filter(
      ({ userId, membership }) => membership === 'join' && isLocal(userId),
    )
    const edus: OutgoingEdu[] = []
    for (const member of members.slice(0, MAX_INTRODUCED)) {
      const hosts = await read.companions.hostsNewTo(member, serverName)
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
    return read.companions.memberEvents(after, upTo, BATCH)
  }

  /** What is to be said because somebody has come into a room, and whoever came with them. */
  async #arrivals(member: MemberEvent): Promise<OutgoingEdu[]> {
    const { read, serverName, isLocal } = this.#context
    const brought = isLocal(member.userId)
      ? await read.companions.arrivedWith(member, { host: serverName, limit: MAX_INTRODUCED })
      : []
    const edus: OutgoingEdu[] = []
    for (const userId of new Set([member.userId, ...brought]))
      edus.push(...(await this.#introductions({ ...member, userId })))
    return edus
  }

  /** What is to be said because somebody has joined. */
  async #introductions(member: MemberEvent): Promise<OutgoingEdu[]> {
    const { companions } = this.#context.read
    const { serverName } = this.#context
    if (this.#context.isLocal(member.userId)) {
      // While members are not known, the servers that are told to be in the room stand for them.
      const partial = await this.#context.rooms.partial.open(member.roomNid)
      const known = new Set([serverName, ...(await companions.hostsOf(member.userId))])
      const told = partial?.servers.filter(host => !known.has(host)) ?? []
      const hosts = [...(await companions.hostsNewTo(member, serverName)), ...told]
      return this.#edus.introduction(member.userId, hosts)
    }
    const host = serverNameOf(member.userId)
    const users = await companions.usersNewTo(host, member, { host: serverName, limit: MAX_INTRODUCED + 1 })
    if (users.length > MAX_INTRODUCED) return []
    const edus: OutgoingEdu[] = []
    for (const userId of users) edus.push(...(await this.#edus.introduction(userId, [host])))
    return edus
  }
}

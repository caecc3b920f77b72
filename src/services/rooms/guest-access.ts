import { MatrixError } from '../../core/errors.ts'
import { serverNameOf } from '../../core/ids.ts'
import { isJsonObject } from '../../core/json.ts'
import type { Log } from '../../core/log.ts'
import { UserReader } from '../../storage/accounts/users.ts'
import { EventsOfType } from '../../storage/rooms/events-of-type.ts'
import { type FollowedStep, StreamFollower } from '../stream-follower.ts'
import { isDeserted } from './membership-content.ts'
import type { Memberships } from './memberships.ts'
import type { JoinWish } from './ports.ts'
import type { RoomHead } from './room-head.ts'
import type { RoomWriter } from './room-writer.ts'
import { serversToAsk } from './servers-to-ask.ts'

const TYPE = 'm.room.guest_access'
const REDACTION = 'm.room.redaction'

/** Whether a room lets guests in, as the first of some servers in it says; `undefined` where none does. */
export type SaidElsewhere = (roomId: string, servers: readonly string[]) => Promise<boolean | undefined>

/** Events worked on in one step. */
const BATCH = 50

/**
 * Keeps guests out of rooms that do not let them in (module "Guest Access"): "servers MUST only allow guest users to join rooms
 * if the `m.room.guest_access` state event is present on the room, and has the `guest_access` value `can_join`."
 */
export class GuestAccess {
  readonly #writer: RoomWriter
  readonly #memberships: Memberships
  readonly #users: UserReader
  readonly #changes: EventsOfType
  readonly #saidElsewhere: SaidElsewhere
  readonly #log: Log
  readonly #follower: StreamFollower

  constructor(parts: {
    writer: RoomWriter
    memberships: Memberships
    saidElsewhere: SaidElsewhere
    log: Log
  }) {
    const { db, clock, processes } = parts.writer.context
    this.#writer = parts.writer
    this.#memberships = parts.memberships
    this.#saidElsewhere = parts.saidElsewhere
    this.#log = parts.log
    this.#users = new UserReader(db)
    this.#changes = new EventsOfType(db, parts.writer.context.read.news, TYPE, REDACTION)
    this.#follower = new StreamFollower({
      ...{ name: 'guest access', stream: 'events', database: db, clock, log: parts.log },
      sole: processes.soleWork('guest access'),
      work: (after, upTo) => this.#follow(after, upTo),
      passesOver: (after, upTo) => this.#writer.context.read.news.isKnownPlain(after, upTo),
    })
  }

  start(): void {
    this.#follower.start()
  }

  close(): Promise<void> {
    return this.#follower.close()
  }

  /** Throws `M_GUEST_ACCESS_FORBIDDEN` for guests, also where it is not known what a room allows. */
  async check(join: JoinWish): Promise<void> {
    if ((await this.#users.byId(join.userId))?.kind !== 'guest') return
    const { serverName } = this.#writer.context
    const head = await this.#writer.head(join.roomId)
    const isKnown = head?.hasHost(serverName) === true || (head !== undefined && isDeserted(head, serverName))
    if (await (isKnown ? this.#letsGuestsIn(join.roomId) : this.#isSaidToLetGuestsIn(join, head))) return
    throw new MatrixError('M_GUEST_ACCESS_FORBIDDEN', 'Guests may not join this room')
  }

  /** Of a room of elsewhere: by servers in it, or else by the invitation to it. Once it has been joined its state decides. */
  async #isSaidToLetGuestsIn(join: JoinWish, head: RoomHead | undefined): Promise<boolean> {
    const { context } = this.#writer
    const said = await this.#saidElsewhere(join.roomId, await serversToAsk(context, join, head))
    if (said !== undefined) return said
    const invitation = await context.read.invitations.one(join.userId, join.roomId)
    return (invitation?.strippedState ?? []).some(
      ({ type, state_key: key, content }) =>
        type === TYPE && key === '' && isJsonObject(content) && content['guest_access'] === 'can_join',
    )
  }

  async #letsGuestsIn(roomId: string): Promise<boolean> {
    const entry = (await this.#writer.head(roomId))?.entry(TYPE, '')
    const [stored] = entry === undefined ? [] : await this.#writer.context.read.events.byNids([entry.nid])
    return stored?.redactedBy === undefined && stored?.event.content['guest_access'] === 'can_join'
  }

  /**
   * "If the event is changed to stop this from being the case, the server MUST set those users' state to `leave`": by another, or
   * by a redaction, which leaves nothing of it.
   */
  async #follow(after: number, upTo: number): Promise<number | FollowedStep> {
    const { read } = this.#writer.context
    const { nids, reached } = await this.#changes.after(after, upTo, BATCH)
    const unconcerned = { reached, statements: [] }
    if (nids.length === 0) return unconcerned
    const events = await read.events.byNids(nids)
    const redacted = await read.events.targetsOf(events.filter(({ event }) => event.type === REDACTION))
    const changed = [...events, ...redacted.values()].filter(({ event }) => event.type === TYPE)
    if (changed.length === 0) return unconcerned
    for (const roomId of new Set(changed.map(({ event }) => event.roomId))) {
      if (!(await this.#letsGuestsIn(roomId))) await this.#sendGuestsAway(roomId)
    }
    return reached
  }

  async #sendGuestsAway(roomId: string): Promise<void> {
    const { read, serverName } = this.#writer.context
    const room = await read.rooms.byId(roomId)
    const members = room === undefined ? [] : await read.memberships.inRoom(room.nid, ['join'])
    const own = members.map(({ userId }) => userId).filter(userId => serverNameOf(userId) === serverName)
    for (const userId of await this.#users.guestsAmong(own)) {
      try {
        await this.#memberships.leave({ userId, roomId })
      } catch (error) {
        if (!(error instanceof MatrixError)) throw error
        this.#log.warn({ err: error, room: roomId }, 'a guest could not be sent out of a room')
      }
    }
  }
}

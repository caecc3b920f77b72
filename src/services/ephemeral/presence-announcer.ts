import type { Clock } from '../../core/clock.ts'
import { growingCache } from '../../core/growing-cache.ts'
import { serverNameOf } from '../../core/ids.ts'
import type { Log } from '../../core/log.ts'
import type { SharedRoomReader } from '../../storage/rooms/shared-rooms.ts'
import { Gathering } from '../gathering.ts'
import type { RoomsContext } from '../rooms/room-writer.ts'
import type { EduSender } from './edu-sender.ts'
import type { PresenceBulletin } from './presence-bulletin.ts'
import { presenceContent } from './presence-edu.ts'
import type { PresenceState, PresenceStates } from './presence-states.ts'

/** Other servers are told again of users who are still there, so that they do not lose them. */
const TELL_AGAIN_MS = 25 * 60_000
/** Larger rooms are no reason to tell their servers of every coming and going. */
const MAX_ROOM_MEMBERS = 200
const MAX_MET = 20_000
/** Users whose rooms are read at once. */
const MAX_READ = 200

/** What other servers were last told of a user. */
interface Told {
  readonly what: string
  readonly ts: number
}

/** Somebody waits for the rooms that a user is in. */
interface RoomsWanted {
  readonly userId: string
  readonly resolve: (rooms: ReadonlySet<number>) => void
  readonly reject: (error: unknown) => void
}

const NO_ROOMS: ReadonlySet<number> = new Set()

/** Makes users' presence known: here to those in their rooms, and to the servers of their smaller rooms. */
export class PresenceAnnouncer {
  readonly #states: PresenceStates
  readonly #shared: SharedRoomReader
  readonly #context: RoomsContext
  readonly #bulletin: PresenceBulletin
  readonly #edus: EduSender
  readonly #clock: Clock
  readonly #log: Log
  readonly #overFederation: boolean
  readonly #told = new Map<string, Told>()
  /** Servers in rooms (`server nid`) that were told of those who are there when they came. */
  readonly #met = growingCache<string, true>(MAX_MET)
  /** By server and room, what tells it there. */
  readonly #meeting = new Map<string, Promise<void>>()
  /** What tells of those who have come into rooms or left them. */
  readonly #moves = new Set<Promise<void>>()
  /** Whose state is to be announced, though it may be under way already. */
  readonly #waiting = new Set<string>()
  /** By user, what resolves once how they were last to be announced is news here. */
  readonly #telling = new Map<string, PromiseWithResolvers<void>>()
  readonly #running = new Map<string, Promise<void>>()
  /** Another server tells of a thousand users in one EDU. */
  readonly #reading = new Gathering<RoomsWanted>(batch => this.#readRooms(batch), MAX_READ)

  constructor(parts: {
    states: PresenceStates
    shared: SharedRoomReader
    context: RoomsContext
    bulletin: PresenceBulletin
    edus: EduSender
    clock: Clock
    log: Log
    overFederation: boolean
  }) {
    this.#states = parts.states
    this.#shared = parts.shared
    this.#context = parts.context
    this.#bulletin = parts.bulletin
    this.#edus = parts.edus
    this.#clock = parts.clock
    this.#log = parts.log
    this.#overFederation = parts.overFederation
  }

  /**
   * Announces a user's state to the rooms that they are in now: once for all that changes in one go, and once more for all that
   * changes while that is under way.
   */
  announce(userId: string): void {
    if (!this.#waiting.has(userId)) this.#telling.set(userId, Promise.withResolvers())
    this.#waiting.add(userId)
    if (!this.#running.has(userId)) this.#running.set(userId, this.#announceAll(userId))
  }

  /** Tells other servers again of users of whom they have not heard for long, and of those `left` by a process that may have told them. */
  async tellAgain(left: readonly string[]): Promise<void> {
    const now = this.#clock.now()
    const isThere = (userId: string): boolean => this.#states.get(userId)?.presence !== 'offline'
    for (const userId of this.#overFederation ? left : [])
      if (!this.#told.has(userId) && isThere(userId)) await this.#tellServers(userId, { again: true })
    for (const [userId, { ts }] of this.#told)
      if (now - ts >= TELL_AGAIN_MS) await this.#tellServers(userId, { again: true })
  }

  /**
   * Somebody of another server has come into a room or left it: a server that has come into a smaller room is told at once how those
   * are who are there. Of each user one process tells.
   */
  met(userId: string, roomNid: number): void {
    const host = serverNameOf(userId)
    const key = `${host} ${roomNid}`
    if (!this.#overFederation || this.#told.size === 0 || this.#meeting.has(key)) return
    const meeting = this.#meet(host, roomNid)
      .catch(error => this.#log.warn({ server: host, err: error }, 'a server could not be told of presence'))
      .finally(() => this.#meeting.delete(key))
    this.#meeting.set(key, meeting)
  }

  /**
   * A user has come into a room or left it: they are announced anew, unless what is just being told says so. That somebody is gone is
   * told here as well, where they were there before: whoever meets them again may have been shown that.
   */
  async moved(userId: string, roomNid: number, isIn: boolean | Promise<boolean>): Promise<void> {
    const move = this.#moved(userId, roomNid, isIn)
    const over = move.catch(() => undefined).finally(() => this.#moves.delete(over))
    this.#moves.add(over)
    await move
  }

  async #moved(userId: string, roomNid: number, reading: boolean | Promise<boolean>): Promise<void> {
    const isIn = await reading
    const state = this.#states.get(userId)
    if (state === undefined) return
    const isGone = state.presence === 'offline'
    if (isGone && !isIn) return this.#states.left(userId, roomNid)
    if (isGone && state.lastActiveTs === 0) return
    if (this.#states.isIn(userId, roomNid) === isIn) return
    await this.told(userId)
    const isNews = this.#states.isIn(userId, roomNid) !== isIn
    if (isNews && isGone) return this.#tellHere(userId)
    if (isNews) this.announce(userId)
    if (!isIn || !this.#overFederation || !this.#told.has(userId)) return
    // The servers there are told how they are.
    await this.#introduce(userId, roomNid).catch(error =>
      this.#log.warn({ user: userId, err: error }, 'a room could not be told of presence'),
    )
  }

  /** Learns where users are, without telling anybody. */
  async locate(userIds: readonly string[]): Promise<void> {
    const rooms = await Promise.all(userIds.map(userId => this.#roomsOf(userId)))
    for (const [index, userId] of userIds.entries()) this.#states.place(userId, rooms[index] ?? NO_ROOMS)
  }

  /** The rooms (nids) that a user is in. */
  #roomsOf(userId: string): Promise<ReadonlySet<number>> {
    return new Promise((resolve, reject) => this.#reading.add({ userId, resolve, reject }))
  }

  /**
   * Resolves once all that is to be announced of a user is; if none is named, once nobody is to be announced any more, nor any room
   * or server to be told.
   */
  async idle(userId?: string): Promise<void> {
    if (userId !== undefined) return await this.#running.get(userId)
    const underWay = (): readonly Promise<void>[] =>
      [this.#running, this.#meeting, this.#moves].flatMap(each => [...each.values()])
    for (let all = underWay(); all.length > 0; all = underWay()) await Promise.all(all)
  }

  /** Resolves once how a user is now is news for those who are told by this process, whether other servers know or not. */
  async told(userId: string): Promise<void> {
    await this.#telling.get(userId)?.promise
  }

  async #readRooms(batch: readonly RoomsWanted[]): Promise<void> {
    try {
      const rooms = await this.#context.read.memberships.joinedRooms(batch.map(({ userId }) => userId))
      for (const { userId, resolve } of batch) resolve(rooms.get(userId) ?? NO_ROOMS)
    } catch (error) {
      for (const { reject } of batch) reject(error)
    }
  }

  /** Announces a user's state until nothing is to be announced any more. */
  async #announceAll(userId: string): Promise<void> {
    do {
      // What changes in one go comes together.
      await undefined
      // Before the rooms are read: of what comes from now on they may know nothing.
      this.#waiting.delete(userId)
      const telling = this.#telling.get(userId)
      const told = (): void => {
        telling?.resolve()
        if (this.#telling.get(userId) === telling) this.#telling.delete(userId)
      }
      await this.#announce(userId, told).catch(error =>
        this.#log.warn({ user: userId, err: error }, 'presence could not be announced'),
      )
      told()
    } while (this.#waiting.has(userId))
    this.#running.delete(userId)
  }

  async #announce(userId: string, told: () => void): Promise<void> {
    await this.#tellHere(userId)
    told()
    const isOurs = serverNameOf(userId) === this.#context.serverName
    if (isOurs && this.#overFederation) await this.#tellServers(userId, { again: false })
  }

  async #tellHere(userId: string): Promise<void> {
    await this.#bulletin.tell(userId, [...(await this.#roomsOf(userId))], this.#states.get(userId))
  }

  async #tellServers(userId: string, { again }: { again: boolean }): Promise<void> {
    const state = this.#states.get(userId)
    if (state === undefined) return
    const what = JSON.stringify([state.presence, state.statusMsg])
    if (!again && this.#told.get(userId)?.what === what) return
    if (state.presence === 'offline') this.#told.delete(userId)
    else this.#told.set(userId, { what, ts: this.#clock.now() })
    this.#send(userId, await this.#shared.hosts(userId, MAX_ROOM_MEMBERS), state)
  }

  async #meet(host: string, roomNid: number): Promise<void> {
    const key = `${host} ${roomNid}`
    const isIn = await this.#context.read.memberships.hasMember(roomNid, 'join', host)
    if (!isIn) this.#met.delete(key)
    if (!isIn || this.#met.has(key)) return
    this.#met.set(key, true)
    if (await this.#shared.isLarger(roomNid, MAX_ROOM_MEMBERS)) return
    for (const userId of this.#told.keys())
      if (this.#states.isIn(userId, roomNid)) this.#send(userId, [host], this.#states.get(userId))
  }

  async #introduce(userId: string, roomNid: number): Promise<void> {
    if (await this.#shared.isLarger(roomNid, MAX_ROOM_MEMBERS)) return
    const hosts = await this.#context.read.memberships.joinedHosts(roomNid)
    this.#send(userId, hosts, this.#states.get(userId))
  }

  #send(userId: string, destinations: readonly string[], state: PresenceState | undefined): void {
    if (state === undefined) return
    this.#edus.send({
      destinations,
      type: 'm.presence',
      content: presenceContent(userId, state, this.#clock.now()),
      keep: false,
      key: `presence ${userId}`,
    })
  }
}

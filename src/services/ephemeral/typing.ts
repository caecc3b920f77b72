import type { Clock } from '../../core/clock.ts'
import { MatrixError } from '../../core/errors.ts'
import { isCompliantUserId, serverNameOf } from '../../core/ids.ts'
import type { JsonObject } from '../../core/json.ts'
import type { Processes } from '../processes.ts'
import type { RoomHead } from '../rooms/room-head.ts'
import type { RoomWriter } from '../rooms/room-writer.ts'
import { Deadlines } from '../sync/deadlines.ts'
import type { EduSender } from './edu-sender.ts'
import type { AdmitsServer } from './ports.ts'
import { RecentChanges } from './recent-changes.ts'

/** For how long somebody types who does not say. */
const DEFAULT_TIMEOUT_MS = 30_000
/** A client that types for longer says so again. */
const MAX_TIMEOUT_MS = 120_000
/** Other servers' word holds for so long: they, too, say it again while it lasts. */
const REMOTE_TIMEOUT_MS = 60_000
/** Other servers are told again when a client renews its notice so long after they were last told. */
const TELL_AGAIN_MS = 20_000

/** Another process lets a notice expire so much later: that its own has not done so means that it is gone. */
const GRACE_MS = 5_000

interface Notice {
  readonly roomId: string
  /** When other servers were last told, by this process. */
  readonly toldTs: number
  /** The process that the notice came to, which ends it and tells other servers. */
  readonly isOwn: boolean
  readonly untilTs: number
  readonly cancelExpiry: () => void
}

/** That somebody types until an instant; 0: no longer. What processes tell each other. */
type Told = {
  readonly roomNid: number
  readonly roomId: string
  readonly userId: string
  readonly untilTs: number
  readonly by: string
}

/**
 * Who is typing where (module "Typing Notifications"). In memory alone, the same in all processes: a notice lives for seconds,
 * and whoever types on after a restart says so again.
 */
export class Typing {
  readonly #writer: RoomWriter
  readonly #clock: Clock
  readonly #edus: EduSender
  readonly #admits: AdmitsServer
  readonly #deadlines: Deadlines
  readonly #processes: Processes
  #position: number
  readonly #changes: RecentChanges<number>
  readonly #rooms = new Map<number, Map<string, Notice>>()
  readonly #listeners = new Set<(roomNid: number) => void>()

  constructor(parts: { writer: RoomWriter; clock: Clock; edus: EduSender; admits: AdmitsServer }) {
    this.#writer = parts.writer
    this.#clock = parts.clock
    this.#edus = parts.edus
    this.#admits = parts.admits
    this.#deadlines = new Deadlines(parts.clock)
    this.#processes = parts.writer.context.processes
    const { bulletin } = this.#processes
    this.#position = bulletin.position
    this.#changes = new RecentChanges(this.#position)
    bulletin.on('typing', (told, position) => this.#hear(told as Told, position), { replayed: true })
    bulletin.onGap(() => this.#changes.forget(this.#position))
  }

  /** The position of the newest change, in the stream `typing`. */
  get position(): number {
    return this.#position
  }

  /**
   * A local user starts, goes on or stops typing. Throws `M_FORBIDDEN` unless they are in the room.
   * @param timeoutMs how long it holds unless renewed; at most two minutes
   */
  async set(userId: string, roomId: string, typing: boolean, timeoutMs = DEFAULT_TIMEOUT_MS): Promise<void> {
    const head = await this.#writer.head(roomId)
    if (head?.memberships.get(userId) !== 'join') {
      throw new MatrixError('M_FORBIDDEN', 'You are not in this room')
    }
    const { nid } = head.room
    const before = this.#rooms.get(nid)?.get(userId)
    if (!typing || timeoutMs <= 0) return before && this.#tellAll(head.room, userId, 0)
    const now = this.#clock.now()
    const tell = before?.isOwn !== true || now - before.toldTs >= TELL_AGAIN_MS
    await this.#tellAll(head.room, userId, now + Math.min(timeoutMs, MAX_TIMEOUT_MS))
    if (!tell) return
    const notice = this.#rooms.get(nid)?.get(userId)
    if (notice !== undefined) this.#rooms.get(nid)?.set(userId, { ...notice, toldTs: now })
    this.#tell(head, userId, true)
  }

  /** An `m.typing` EDU. "Verify that the user is in the room, and is a user belonging to the sending server." */
  async receive(origin: string, content: JsonObject): Promise<void> {
    const { room_id: roomId, user_id: userId, typing } = content
    if (typeof roomId !== 'string' || typeof userId !== 'string' || typeof typing !== 'boolean') return
    if (serverNameOf(userId) !== origin || !isCompliantUserId(userId)) return
    const head = await this.#writer.head(roomId)
    if (!head?.mayBeJoined(userId) || !(await this.#admits(head, origin))) return
    if (typing) await this.#tellAll(head.room, userId, this.#clock.now() + REMOTE_TIMEOUT_MS)
    else if (this.#rooms.get(head.room.nid)?.has(userId) === true) await this.#tellAll(head.room, userId, 0)
  }

  /** Who is typing in a room. */
  users(roomNid: number): string[] {
    const now = this.#clock.now()
    const notices = [...(this.#rooms.get(roomNid) ?? [])]
    return notices.filter(([, { untilTs }]) => untilTs > now).map(([userId]) => userId)
  }

  /** The rooms in which anybody is typing. */
  rooms(): Iterable<number> {
    return this.#rooms.keys()
  }

  /** The rooms in which that changed after one position up to another; `undefined` if it was too long ago to know. */
  changedRooms(after: number, upTo: number): ReadonlySet<number> | undefined {
    const changes = this.#changes.between(after, upTo)
    return changes && new Set(changes)
  }

  /** Whoever has left a room types there no more. */
  left(roomNid: number, userId: string): void {
    this.#stop(roomNid, userId)
  }

  /** Calls `listener` with the room (its nid) whenever somebody starts or stops typing; answers how to stop that. */
  onChange(listener: (roomNid: number) => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  /** Ends all typing, so that clients do not show it for ever. */
  close(): void {
    for (const [roomNid, notices] of [...this.#rooms])
      for (const [userId, { isOwn }] of [...notices]) if (isOwn) this.#stop(roomNid, userId)
    this.#deadlines.close()
  }

  /** Ends what a process was told of; all others hear of it. */
  #stop(roomNid: number, userId: string): void {
    const notice = this.#rooms.get(roomNid)?.get(userId)
    if (notice !== undefined) void this.#tellAll({ nid: roomNid, roomId: notice.roomId }, userId, 0)
  }

  async #tellAll(
    { nid, roomId }: { readonly nid: number; readonly roomId: string },
    userId: string,
    untilTs: number,
  ): Promise<void> {
    const { bulletin, id: by } = this.#processes
    const told: Told = { roomNid: nid, roomId, userId, untilTs, by }
    await bulletin.post('typing', told)
  }

  /** Some process, or this one, tells that somebody begins, goes on or stops typing. */
  #hear({ roomNid, roomId, userId, untilTs, by }: Told, position: number): void {
    const before = this.#rooms.get(roomNid)?.get(userId)
    before?.cancelExpiry()
    const isOwn = by === this.#processes.id
    const endsTs = untilTs + (isOwn ? 0 : GRACE_MS)
    if (endsTs > this.#clock.now()) {
      const notices = this.#rooms.get(roomNid) ?? new Map<string, Notice>()
      this.#rooms.set(roomNid, notices)
      const cancelExpiry = this.#deadlines.add(endsTs, () => this.#stop(roomNid, userId))
      notices.set(userId, { roomId, toldTs: before?.toldTs ?? 0, isOwn, untilTs, cancelExpiry })
      if (before === undefined) this.#changed(roomNid, position)
      return
    }
    if (before === undefined) return
    const notices = this.#rooms.get(roomNid)
    notices?.delete(userId)
    if (notices?.size === 0) this.#rooms.delete(roomNid)
    this.#changed(roomNid, position)
    if (before.isOwn && serverNameOf(userId) === this.#writer.context.serverName)
      void this.#tellStopped(roomId, userId)
  }

  #changed(roomNid: number, position: number): void {
    this.#position = position
    this.#changes.add(position, roomNid)
    for (const listener of this.#listeners) listener(roomNid)
  }

  async #tellStopped(roomId: string, userId: string): Promise<void> {
    // Without the room there is nobody to tell; other servers let the notice expire.
    const head = await Promise.resolve(this.#writer.recentHead(roomId)).catch(() => undefined)
    if (head !== undefined) this.#tell(head, userId, false)
  }

  #tell(head: RoomHead, userId: string, typing: boolean): void {
    const { roomId } = head.room
    this.#edus.send({
      destinations: head.joinedHosts(),
      type: 'm.typing',
      content: { room_id: roomId, user_id: userId, typing },
      keep: false,
      key: `typing ${roomId} ${userId}`,
    })
  }
}

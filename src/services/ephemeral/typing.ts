import type { Clock } from '../../core/clock.ts'
import { MatrixError } from '../../core/errors.ts'
import { serverNameOf } from '../../core/ids.ts'
import type { JsonObject } from '../../core/json.ts'
import type { RoomHead } from '../rooms/room-head.ts'
import type { RoomWriter } from '../rooms/room-writer.ts'
import { Deadlines } from '../sync/deadlines.ts'
import type { EduSender } from './edu-sender.ts'
import type { AdmitsServer } from './ports.ts'
import { MemoryPosition, RecentChanges } from './recent-changes.ts'

/** For how long somebody types who does not say. */
const DEFAULT_TIMEOUT_MS = 30_000
/** A client that types for longer says so again. */
const MAX_TIMEOUT_MS = 120_000
/** Other servers' word holds for so long: they, too, say it again while it lasts. */
const REMOTE_TIMEOUT_MS = 60_000
/** Other servers are told again when a client renews its notice so long after they were last told. */
const TELL_AGAIN_MS = 20_000

interface Notice {
  readonly roomId: string
  /** When other servers were last told. */
  readonly toldTs: number
  readonly cancelExpiry: () => void
}

/**
 * Who is typing where (module "Typing Notifications"). In memory alone: a notice lives for seconds, and whoever types
 * on after a restart says so again.
 */
export class Typing {
  readonly #writer: RoomWriter
  readonly #clock: Clock
  readonly #edus: EduSender
  readonly #admits: AdmitsServer
  readonly #deadlines: Deadlines
  readonly #position: MemoryPosition
  readonly #changes: RecentChanges<number>
  readonly #rooms = new Map<number, Map<string, Notice>>()
  readonly #listeners = new Set<(roomNid: number) => void>()

  constructor(parts: { writer: RoomWriter; clock: Clock; edus: EduSender; admits: AdmitsServer }) {
    this.#writer = parts.writer
    this.#clock = parts.clock
    this.#edus = parts.edus
    this.#admits = parts.admits
    this.#deadlines = new Deadlines(parts.clock)
    this.#position = new MemoryPosition(parts.clock.now())
    this.#changes = new RecentChanges(this.#position.value)
  }

  /** The position of the newest change, in the stream `typing`. */
  get position(): number {
    return this.#position.value
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
    if (!typing || timeoutMs <= 0) return this.#stop(head.room.nid, userId)
    const toldTs = this.#rooms.get(head.room.nid)?.get(userId)?.toldTs
    const now = this.#clock.now()
    const tell = toldTs === undefined || now - toldTs >= TELL_AGAIN_MS
    this.#start(head, userId, Math.min(timeoutMs, MAX_TIMEOUT_MS), tell ? now : toldTs)
    if (tell) this.#tell(head, userId, true)
  }

  /** An `m.typing` EDU. "Verify that the user is in the room, and is a user belonging to the sending server." */
  async receive(origin: string, content: JsonObject): Promise<void> {
    const { room_id: roomId, user_id: userId, typing } = content
    if (typeof roomId !== 'string' || typeof userId !== 'string' || typeof typing !== 'boolean') return
    if (serverNameOf(userId) !== origin) return
    const head = await this.#writer.head(roomId)
    if (!head?.mayBeJoined(userId) || !(await this.#admits(head, origin))) return
    if (typing) this.#start(head, userId, REMOTE_TIMEOUT_MS, this.#clock.now())
    else this.#stop(head.room.nid, userId)
  }

  /** Who is typing in a room. */
  users(roomNid: number): string[] {
    return [...(this.#rooms.get(roomNid)?.keys() ?? [])]
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
      for (const userId of [...notices.keys()]) this.#stop(roomNid, userId)
    this.#deadlines.close()
  }

  #start(head: RoomHead, userId: string, timeoutMs: number, toldTs: number): void {
    const { nid, roomId } = head.room
    const notices = this.#rooms.get(nid) ?? new Map<string, Notice>()
    this.#rooms.set(nid, notices)
    const before = notices.get(userId)
    before?.cancelExpiry()
    const cancelExpiry = this.#deadlines.add(this.#clock.now() + timeoutMs, () => this.#stop(nid, userId))
    notices.set(userId, { roomId, toldTs, cancelExpiry })
    if (before === undefined) this.#changed(nid)
  }

  #stop(roomNid: number, userId: string): void {
    const notices = this.#rooms.get(roomNid)
    const notice = notices?.get(userId)
    if (notices === undefined || notice === undefined) return
    notice.cancelExpiry()
    notices.delete(userId)
    if (notices.size === 0) this.#rooms.delete(roomNid)
    this.#changed(roomNid)
    if (serverNameOf(userId) === this.#writer.context.serverName)
      void this.#tellStopped(notice.roomId, userId)
  }

  #changed(roomNid: number): void {
    this.#changes.add(this.#position.next(), roomNid)
    for (const listener of this.#listeners) listener(roomNid)
  }

  async #tellStopped(roomId: string, userId: string): Promise<void> {
    // Without the room there is nobody to tell; other servers let the notice expire.
    const head = await this.#writer.head(roomId).catch(() => undefined)
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

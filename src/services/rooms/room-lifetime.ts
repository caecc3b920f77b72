import type { Clock } from '../../core/clock.ts'
import { serverNameOf } from '../../core/ids.ts'
import type { Log } from '../../core/log.ts'
import type { WriteStatement } from '../../storage/database.ts'
import {
  type AbandonedRoom,
  AbandonedRoomReader,
  AbandonedRoomWriter,
  type RoomSize,
} from '../../storage/rooms/abandoned-rooms.ts'
import { ownEnding } from './invitation-ending.ts'
import type { RoomsContext, RoomWriter } from './room-writer.ts'

const HOUR_MS = 60 * 60_000
/** Rooms looked at in one step. */
const ROOMS = 500
/** Events removed in one commit. */
const EVENTS = 500

const INVITES = { stream: 'invites', offset: 0 } as const

/**
 * How long rooms live: as long as anybody of this server is in them, has left and not forgotten them, is or will be
 * invited, or can come by an alias. Some time after that they are removed with all that belongs to them; media are kept
 * by rules of their own. Whoever is invited later, or joins, gets the room from the servers that are still in it.
 */
export class RoomLifetime {
  /** Told of a room that was removed though it may still matter to people: they are invited, or something in it waits for them. */
  onRemoved: (roomId: string) => Promise<void> = async () => {}
  readonly #writer: RoomWriter
  readonly #context: RoomsContext
  readonly #clock: Clock
  readonly #log: Log
  readonly #grace: number | undefined
  readonly #read: AbandonedRoomReader
  readonly #write: AbandonedRoomWriter
  readonly #closing = new AbortController()
  #running: Promise<void> | undefined

  constructor(parts: {
    writer: RoomWriter
    clock: Clock
    log: Log
    /** How long (ms) abandoned rooms are kept; `undefined`: for good. */
    grace: number | undefined
  }) {
    this.#writer = parts.writer
    this.#context = parts.writer.context
    this.#clock = parts.clock
    this.#log = parts.log
    this.#grace = parts.grace
    this.#read = new AbandonedRoomReader(this.#context.db)
    this.#write = new AbandonedRoomWriter(this.#context.db)
  }

  start(): void {
    this.#running ??= this.#run()
  }

  async close(): Promise<void> {
    this.#closing.abort()
    await this.#running
  }

  /** One round: notes which rooms are abandoned, and removes those that have been so for long enough. */
  async tidy(): Promise<void> {
    if (this.#grace === undefined) return
    const { db, serverName } = this.#context
    let after = 0
    for (;;) {
      const nids = await this.#read.roomsAfter(after, ROOMS)
      const upTo = nids.at(-1)
      if (upTo === undefined || this.#closing.signal.aborted) break
      const rooms = await this.#read.among(nids, serverName)
      await db.commit({ statements: this.#write.mark(rooms, { after, upTo }, this.#clock.now()) })
      after = upTo
    }
    for (const room of await this.#read.due(this.#clock.now() - this.#grace, ROOMS)) {
      if (this.#closing.signal.aborted) return
      await this.#attempt(() => this.#remove(room), room)
    }
  }

  /** Removes a room at once, whoever may need it; answers what is gone, `undefined` if the room is not known. */
  async removeNow(roomId: string): Promise<RoomSize | undefined> {
    let size: RoomSize | undefined
    const isGone = await this.#writer.remove(roomId, async () => {
      const room = await this.#context.read.rooms.byId(roomId)
      if (room === undefined) return undefined
      const gone = { roomNid: room.nid, roomId }
      size = await this.#read.size(room.nid)
      const marked = this.#write.markOne(gone, this.#clock.now())
      const statements = [marked, ...(await this.#withdrawal(gone)), ...this.#removal(gone)]
      return { statements, after: () => this.#sweep(room.nid) }
    })
    if (!isGone) return undefined
    await this.#attempt(() => this.onRemoved(roomId), { roomId })
    return size
  }

  async #run(): Promise<void> {
    const { signal } = this.#closing
    while (!signal.aborted) {
      await this.#attempt(() => this.#finish())
      await this.#clock.sleep(HOUR_MS, signal).catch(() => undefined)
      if (!signal.aborted) await this.#attempt(() => this.tidy())
    }
  }

  /** Of a room that cannot be removed, the others know nothing. */
  async #attempt(work: () => Promise<void>, room?: Pick<AbandonedRoom, 'roomId'>): Promise<void> {
    await work().catch(error =>
      this.#log.error({ err: error, room: room?.roomId }, 'abandoned rooms could not be removed'),
    )
  }

  /** Goes on with what a stop has interrupted, also that of another process. */
  async #finish(): Promise<void> {
    for (const room of await this.#read.going()) await this.#attempt(() => this.#sweep(room.roomNid), room)
  }

  async #remove(room: AbandonedRoom): Promise<void> {
    const { roomId, roomNid } = room
    const isGone = await this.#writer.remove(roomId, async () => {
      // Somebody may have come back since it was looked at.
      const still = await this.#read.among([roomNid], this.#context.serverName)
      if (still.length === 0) return undefined
      return { statements: this.#removal(room), after: () => this.#sweep(roomNid) }
    })
    if (isGone) this.#log.info({ room: roomId }, 'removed a room that nobody here needs any longer')
  }

  /** The room is none any longer; those of its people whose clients were away are told so when they come. */
  #removal(room: AbandonedRoom): WriteStatement[] {
    const { serverName: host, write } = this.#context
    return [write.removed.remember(room, { host, now: this.#clock.now() }), ...this.#write.remove(room)]
  }

  /** Who is still invited, or knocks, waits for nothing now: an invitation that cannot be accepted would stay in their clients. */
  async #withdrawal({ roomNid, roomId }: AbandonedRoom): Promise<WriteStatement[]> {
    const { read, write, serverName } = this.#context
    const now = this.#clock.now()
    const statements: WriteStatement[] = []
    for (const { userId } of await read.memberships.inRoom(roomNid, ['invite', 'knock'])) {
      const invitation =
        serverNameOf(userId) === serverName ? await read.invitations.one(userId, roomId) : undefined
      if (invitation === undefined) continue
      const end = {
        status: 'cancelled',
        now,
        position: INVITES,
        ending: ownEnding(invitation, {}, now),
      } as const
      statements.push(write.invitations.settle(invitation, end))
    }
    return statements
  }

  /** Removes the events of a room that is no longer one. */
  async #sweep(roomNid: number): Promise<void> {
    const { db, read, write } = this.#context
    for (;;) {
      if (this.#closing.signal.aborted) return
      const stretch = await this.#read.events(roomNid, EVENTS)
      if (stretch.nids.length === 0) break
      const words = write.messages.remove(stretch.nids)
      const files = this.#context.write.files.releaseOf(stretch.nids, this.#clock.now())
      await db.commit({ statements: [words, ...files, ...this.#write.removeEvents(stretch)] })
      read.events.forget(stretch.nids)
    }
    await db.commit({ statements: [this.#write.gone(roomNid)] })
  }
}

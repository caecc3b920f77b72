import { parseJson } from '../../core/canonical-json.ts'
import { isJsonObject, type JsonObject, type JsonValue } from '../../core/json.ts'
import type { Log } from '../../core/log.ts'
import { AccountDataReader, AccountDataWriter } from '../../storage/accounts/account-data.ts'
import { contentShown } from './room-summary.ts'
import type { RoomWriter } from './room-writer.ts'

/** A room and the room that has replaced it. */
export interface Succession {
  readonly from: string
  readonly to: string
}

/** Takes something of a user's along into a replacement room. */
export type Carrier = (userId: string, succession: Succession) => Promise<void>

/**
 * Takes people's own settings along when they follow a room into its replacement: "the server should automatically
 * transfer some of the user's personalized settings such as notifications, tags" (module "Room Upgrades"). Tags and
 * the list of direct rooms are carried here; whoever keeps other settings adds a carrier.
 */
export class Successors {
  readonly #writer: RoomWriter
  readonly #log: Log
  readonly #read: AccountDataReader
  readonly #write: AccountDataWriter
  readonly #carriers: Carrier[] = [
    (userId, succession) => this.#carryTags(userId, succession),
    (userId, succession) => this.#carryDirect(userId, succession),
  ]

  constructor(writer: RoomWriter, log: Log) {
    this.#writer = writer
    this.#log = log
    this.#read = new AccountDataReader(writer.context.db)
    this.#write = new AccountDataWriter(writer.context.db)
  }

  /** Lets something further be carried. */
  add(carrier: Carrier): void {
    this.#carriers.push(carrier)
  }

  /** To be told of every join of a user of this server: it may be into a room that replaces one they know. */
  async joined(userId: string, roomId: string): Promise<void> {
    try {
      const from = await this.#predecessor(userId, roomId)
      if (from !== undefined) await this.carry(userId, { from, to: roomId })
    } catch (error) {
      this.#log.warn({ err: error, room: roomId, user: userId }, 'settings were not carried over')
    }
  }

  /** Carries everything. One carrier's failure is no other's. */
  async carry(userId: string, succession: Succession): Promise<void> {
    for (const carrier of this.#carriers) {
      await carrier(userId, succession).catch(error =>
        this.#log.warn({ err: error, room: succession.to, user: userId }, 'a setting was not carried over'),
      )
    }
  }

  /** The room that this one claims to replace, if that says so too and the user has been in it. */
  async #predecessor(userId: string, roomId: string): Promise<string | undefined> {
    const { predecessor } = (await this.#content(roomId, 'm.room.create')) ?? {}
    const from = isJsonObject(predecessor) ? predecessor['room_id'] : undefined
    if (typeof from !== 'string' || from === roomId) return undefined
    const { read } = this.#writer.context
    const old = await read.rooms.byId(from)
    if (old === undefined || (await read.memberships.one(userId, old.nid)) === undefined) return undefined
    const tombstone = await this.#content(from, 'm.room.tombstone')
    return tombstone?.['replacement_room'] === roomId ? from : undefined
  }

  async #content(roomId: string, type: string): Promise<JsonObject | undefined> {
    const { read } = this.#writer.context
    const room = await read.rooms.byId(roomId)
    const nid = room && (await read.state.point(room.nid, type, ''))
    const [stored] = nid === undefined ? [] : await read.events.byNids([nid])
    return stored && contentShown(stored)
  }

  async #carryTags(userId: string, { from, to }: Succession): Promise<void> {
    const [tags, own] = await Promise.all([
      this.#read.content(userId, from, 'm.tag'),
      this.#read.content(userId, to, 'm.tag'),
    ])
    if (tags !== undefined && own === undefined) await this.#set(userId, to, 'm.tag', tags)
  }

  /** `m.direct` lists rooms by the person whom they are with. */
  async #carryDirect(userId: string, { from, to }: Succession): Promise<void> {
    const text = await this.#read.content(userId, '', 'm.direct')
    const direct: unknown = text === undefined ? undefined : parseJson(text)
    if (!isJsonObject(direct)) return
    const carried = (rooms: JsonValue | undefined): JsonValue | undefined =>
      Array.isArray(rooms) && rooms.includes(from) && !rooms.includes(to) ? [...rooms, to] : rooms
    const renewed = Object.fromEntries(
      Object.entries(direct).map(([person, rooms]) => [person, carried(rooms)]),
    )
    const renewedText = JSON.stringify(renewed)
    if (renewedText !== text) await this.#set(userId, '', 'm.direct', renewedText)
  }

  async #set(userId: string, roomId: string, type: string, content: string): Promise<void> {
    await this.#writer.context.db.commit({ statements: [this.#write.set(userId, roomId, type, content)] })
  }
}

import { hash } from 'node:crypto'
import { LRUCache } from 'lru-cache'
import { isJsonObject, type JsonObject, type JsonValue } from '../../../core/json.ts'
import type { Log } from '../../../core/log.ts'
import { DatabaseGaveUp, DatabaseUnavailable } from '../../../storage/database.ts'
import type { RoomWriter } from '../../rooms/room-writer.ts'

/** What is done with an EDU of one type. Resolves once what must not be lost is stored. */
export type EduHandler = (origin: string, content: JsonObject) => Promise<void>

/** So often an EDU may come again that the database has given up: the next transaction of its server waits for it. */
const MAX_GIVEN_UP = 3
const MAX_KNOWN = 1_000

/** Of an EDU that speaks of more rooms than this, the others are not waited for. */
const MAX_EDU_ROOMS = 50

/** The rooms that have to be here before an EDU makes sense: those of typing and receipts, which nobody sends again. */
export const roomsOfEdu = (edu: JsonValue): string[] => {
  const content = isJsonObject(edu) ? edu['content'] : undefined
  if (!isJsonObject(edu) || !isJsonObject(content)) return []
  if (edu['edu_type'] === 'm.receipt') return Object.keys(content).slice(0, MAX_EDU_ROOMS)
  const { room_id: roomId } = content
  return edu['edu_type'] === 'm.typing' && typeof roomId === 'string' ? [roomId] : []
}

/** EDUs that speak of rooms, and all others. */
export const byPlace = (edus: readonly JsonValue[]): { ofRooms: JsonValue[]; others: JsonValue[] } => {
  const { ofRooms = [], others = [] } = Object.groupBy(edus, edu =>
    roomsOfEdu(edu).length > 0 ? 'ofRooms' : 'others',
  )
  return { ofRooms, others }
}

/** Of these the last one says how things are: they are handled one after another. Others know their order, or need none. */
const IN_ORDER: ReadonlySet<unknown> = new Set(['m.typing', 'm.presence'])

/** EDUs of which each is handled once those before it are, in lists of their own. */
const lanesOf = (edus: readonly JsonValue[]): JsonValue[][] => {
  const laneOf = (edu: JsonValue): JsonValue | undefined =>
    isJsonObject(edu) && IN_ORDER.has(edu['edu_type']) ? edu['edu_type'] : edu
  return [...Map.groupBy(edus, laneOf).values()]
}

/** Hands EDUs to who takes them. */
export class EduReceiver {
  readonly #writer: RoomWriter
  readonly #log: Log
  readonly #joined: (roomId: string) => Promise<void>
  readonly #handlers = new Map<string, EduHandler>()
  /** How often the database gave up what comes of an EDU. */
  readonly #givenUp = new LRUCache<string, number>({ max: MAX_KNOWN })

  /** @param parts.joined settles when no join of the room is under way, or has been for long */
  constructor(parts: { writer: RoomWriter; log: Log; joined: (roomId: string) => Promise<void> }) {
    this.#writer = parts.writer
    this.#log = parts.log
    this.#joined = parts.joined
  }

  on(type: string, handler: EduHandler): void {
    this.#handlers.set(type, handler)
  }

  /**
   * Throws `DatabaseUnavailable` where an EDU could not be stored: the transaction is not acknowledged then, and comes
   * again with it, but not for ever where the database answers and does not get done with it. What was handled already is known by its message ID, or the same when it is handled twice.
   */
  async handle(origin: string, edus: readonly JsonValue[]): Promise<void> {
    const handled = await Promise.allSettled(lanesOf(edus).map(lane => this.#handleInTurn(origin, lane)))
    const failed = handled.find(one => one.status === 'rejected')
    if (failed !== undefined) throw failed.reason
  }

  /** The same for EDUs of rooms, some of which may just be joined: others tell us of what passes there as soon as we are in. */
  async handleInRooms(origin: string, edus: readonly JsonValue[]): Promise<void> {
    const rooms = new Set(edus.flatMap(roomsOfEdu))
    await Promise.all(
      Array.from(rooms, async roomId => {
        const head = await this.#writer.head(roomId)
        if (!head?.hasHost(this.#writer.context.serverName)) await this.#joined(roomId)
      }),
    )
    await this.handle(origin, edus)
  }

  async #handleInTurn(origin: string, lane: readonly JsonValue[]): Promise<void> {
    for (const edu of lane) await this.#handle(origin, edu)
  }

  async #handle(origin: string, edu: JsonValue): Promise<void> {
    if (!isJsonObject(edu)) return
    const { edu_type: type, content } = edu
    const handler = typeof type === 'string' ? this.#handlers.get(type) : undefined
    if (handler === undefined || !isJsonObject(content)) return
    try {
      await handler(origin, content)
    } catch (error) {
      if (error instanceof DatabaseUnavailable && !this.#isGivenUpTooOften(origin, edu, error)) throw error
      // To see it again would not change what is wrong with it, or with us.
      this.#log.error({ origin, type, err: error }, 'an EDU could not be handled')
    }
  }

  #isGivenUpTooOften(origin: string, edu: JsonObject, error: DatabaseUnavailable): boolean {
    if (!(error instanceof DatabaseGaveUp)) return false
    const key = hash('sha256', JSON.stringify([origin, edu]))
    const times = (this.#givenUp.get(key) ?? 0) + 1
    this.#givenUp.set(key, times)
    return times >= MAX_GIVEN_UP
  }
}

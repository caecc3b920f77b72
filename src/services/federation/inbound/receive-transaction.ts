import type { Clock } from '../../../core/clock.ts'
import { limitExceeded, MatrixError } from '../../../core/errors.ts'
import type { RoomEvent } from '../../../core/event/event.ts'
import { parsePdu } from '../../../core/event/format.ts'
import { isJsonObject, type JsonObject, type JsonValue } from '../../../core/json.ts'
import type { Log } from '../../../core/log.ts'
import type { RoomVersion } from '../../../core/room-versions.ts'
import { InboxReader, InboxWriter } from '../../../storage/federation/inbox.ts'
import type { Answer } from '../../answer.ts'
import type { Metrics } from '../../metrics/index.ts'
import type { RoomHead } from '../../rooms/room-head.ts'
import type { RoomWriter } from '../../rooms/room-writer.ts'
import { SerialQueue } from '../../serial-queue.ts'
import type { EventVerifier } from '../verify-event.ts'
import { type DroppedEvent, DroppedEvents } from './dropped-events.ts'
import { byPlace, type EduHandler, EduReceiver, roomsOfEdu } from './edus.ts'
import type { InvitationReceiver } from './invitations.ts'
import type { RoomGate } from './room-gate.ts'
import type { RoomInbox } from './room-inbox.ts'

/** What a server sends in one go. */
export interface Transaction {
  readonly pdus: readonly JsonValue[]
  readonly edus: readonly JsonValue[]
}

/** server-server API, "Transactions": "a limit of 50 PDUs and 100 EDUs". */
const MAX_PDUS = 50
const MAX_EDUS = 100
/** A server has one transaction under way, and perhaps some of an earlier process; it is told to wait beyond that. */
const MAX_AT_ONCE = 4
const RETRY_MS = 1_000
/** For so long the answer to a transaction is remembered. */
const REMEMBERED_MS = 24 * 60 * 60_000
/** For so long a transaction waits for a join that is under way. */
const MAX_JOIN_MS = 30_000

/** What is wrong with an event; nothing, if there is no `error`. */
type Result = { readonly error?: string }
type Results = Map<string, Result>

/** "The PDU MUST be ignored with an appropriate error": nobody's keys are fetched for it. */
const BANNED: Result = { error: 'M_FORBIDDEN: your server is banned from this room' }

/** The body of the response to a transaction: the results by event ID. */
export type TransactionResponse = { readonly pdus: Readonly<Record<string, Result>> }

interface Answered {
  readonly response: TransactionResponse
  /** Settles once the database remembers the answer; it never rejects. */
  readonly remembered?: Promise<void>
}

interface TransactionParts {
  readonly writer: RoomWriter
  readonly gate: RoomGate
  readonly verifier: EventVerifier
  readonly invitations: InvitationReceiver
  readonly inbox: RoomInbox
  /** Settles when no join of the room through another server is under way; mostly none is. */
  readonly joinsIdle: (roomId: string) => Answer<void>
  /** Told of servers that send events of a room that nobody here is in: they have not heard that these have left. */
  readonly remindOfLeaves: (server: string, head: RoomHead) => void
  readonly clock: Clock
  readonly log: Log
  readonly metrics?: Metrics['federation'] | undefined
}

/**
 * Receives transactions. What they hold is checked as far as it can be without the room, and handed to the rooms; what these can tell
 * without asking others stands in the answer, which is given once nothing can be lost any more.
 */
export class TransactionReceiver {
  readonly #parts: TransactionParts
  readonly #read: InboxReader
  readonly #write: InboxWriter
  readonly #edus: EduReceiver
  readonly #dropped: DroppedEvents
  readonly #running = new Map<string, Promise<TransactionResponse>>()
  /** "The sending server must wait … before sending a transaction with a different `txnId`": one after another. */
  readonly #origins = new SerialQueue()
  readonly #waiting = new Map<string, number>()

  constructor(parts: TransactionParts) {
    this.#parts = parts
    this.#read = new InboxReader(parts.writer.context.db)
    this.#write = new InboxWriter(parts.writer.context.db)
    this.#dropped = new DroppedEvents(parts.clock, parts.log)
    this.#edus = new EduReceiver({ ...parts, joined: roomId => this.#joined(roomId) })
  }

  /** Says what is done with EDUs of a type; others are ignored. */
  onEdu(type: string, handler: EduHandler): void {
    this.#edus.on(type, handler)
  }

  /**
   * Receives a transaction; answers the body of the response. One that was received before gets the same answer.
   * Throws `M_BAD_JSON` if it holds more than it may, `M_LIMIT_EXCEEDED` for a server that does not wait for its answers.
   */
  async receive(origin: string, txnId: string, transaction: Transaction): Promise<TransactionResponse> {
    const { pdus, edus } = transaction
    if (pdus.length > MAX_PDUS || edus.length > MAX_EDUS) {
      throw new MatrixError('M_BAD_JSON', `A transaction holds at most ${MAX_PDUS} PDUs and ${MAX_EDUS} EDUs`)
    }
    const key = `${origin} ${txnId}`
    const running = this.#running.get(key)
    if (running !== undefined) return running
    const waiting = this.#waiting.get(origin) ?? 0
    if (waiting >= MAX_AT_ONCE) throw limitExceeded(RETRY_MS)
    this.#waiting.set(origin, waiting + 1)
    const receiving = this.#origins
      .run(origin, () => this.#receive(origin, txnId, transaction))
      .finally(() => {
        const left = (this.#waiting.get(origin) ?? 1) - 1
        if (left > 0) this.#waiting.set(origin, left)
        else this.#waiting.delete(origin)
      })
    const answer = receiving.then(({ response }) => response)
    this.#running.set(key, answer)
    const forget = () => this.#running.delete(key)
    receiving.then(({ remembered }) => remembered).then(forget, forget)
    return answer
  }

  /** Forgets transactions that nobody will send again. */
  async prune(): Promise<void> {
    const { writer, clock } = this.#parts
    const before = clock.now() - REMEMBERED_MS
    await writer.context.db.commit({ statements: [this.#write.expire(before)] })
  }

  async #receive(origin: string, txnId: string, { pdus, edus }: Transaction): Promise<Answered> {
    const { inbox, metrics } = this.#parts
    const before = await this.#read.responseTo(origin, txnId)
    if (before !== undefined) return { response: before as unknown as TransactionResponse }
    await inbox.room(origin)
    const results: Results = new Map()
    const { ofRooms, others } = byPlace(edus)
    await this.#edus.handle(origin, others)
    const events = await this.#check(origin, pdus, results)
    // Who types, and what is read, is understood once the room has what comes along.
    const changing = new Set(events.map(({ roomId }) => roomId))
    const late = ofRooms.filter(edu => roomsOfEdu(edu).some(roomId => changing.has(roomId)))
    await this.#edus.handleInRooms(
      origin,
      ofRooms.filter(edu => !late.includes(edu)),
    )
    metrics?.received(pdus.length, edus.length)
    for (const [eventId, error] of await inbox.add(origin, events)) results.set(eventId, { error })
    await this.#edus.handleInRooms(origin, late)
    const response = { pdus: Object.fromEntries(results) }
    return { response, remembered: this.#remember(origin, txnId, response) }
  }

  /** For who has not got the answer: nobody need wait for it. */
  async #remember(origin: string, txnId: string, response: TransactionResponse): Promise<void> {
    const { writer, clock, log } = this.#parts
    const statements = [this.#write.remember(origin, txnId, response, clock.now())]
    try {
      await writer.context.db.commit({ statements })
    } catch (error) {
      // All that is lost is that what comes once more is looked at once more.
      log.warn({ err: error, origin }, 'the answer to a transaction could not be remembered')
    }
  }

  /** The events that can be handed to their rooms, in the order of the transaction. */
  async #check(origin: string, pdus: readonly JsonValue[], results: Results): Promise<RoomEvent[]> {
    const byRoom = new Map<string, JsonObject[]>()
    for (const pdu of pdus) {
      // Where there is no room ID, no event ID can be told, and nobody to tell it to.
      if (!isJsonObject(pdu) || typeof pdu['room_id'] !== 'string') continue
      const ofRoom = byRoom.get(pdu['room_id'])
      if (ofRoom === undefined) byRoom.set(pdu['room_id'], [pdu])
      else ofRoom.push(pdu)
    }
    const checked = await Promise.all(
      Array.from(byRoom, ([roomId, ofRoom]) => this.#checkRoom(origin, roomId, ofRoom, results)),
    )
    return checked.flat()
  }

  async #checkRoom(
    origin: string,
    roomId: string,
    pdus: readonly JsonObject[],
    results: Results,
  ): Promise<RoomEvent[]> {
    const { writer, gate, verifier, invitations, remindOfLeaves, log } = this.#parts
    await this.#joined(roomId)
    const head = await writer.head(roomId)
    if (!head?.hasHost(writer.context.serverName)) {
      for (const pdu of pdus) {
        const eventId = await invitations.rescind(origin, pdu)
        if (eventId !== undefined) results.set(eventId, {})
        else log.debug({ origin, room: roomId }, 'an event of a room that nobody here is in')
      }
      if (head !== undefined) remindOfLeaves(origin, head)
      return []
    }
    if (!(await gate.allows(head, origin))) {
      for (const eventId of pdus.flatMap(pdu => idOf(pdu, head.version) ?? [])) results.set(eventId, BANNED)
      return []
    }
    const events: RoomEvent[] = []
    const dropped: DroppedEvent[] = []
    for (const verified of await verifier.verifyAll(pdus, head.version)) {
      if ('refusal' in verified) {
        dropped.push(verified)
        if (verified.eventId !== undefined) results.set(verified.eventId, { error: verified.refusal })
      } else {
        results.set(verified.event.eventId, {})
        events.push(verified.event)
      }
    }
    this.#dropped.dropped(origin, roomId, dropped)
    return events
  }

  /**
   * Others send the room's events as soon as they know of our join, which may be before we have stored the room. What
   * comes while a very large room is being joined is fetched with what follows it.
   */
  async #joined(roomId: string): Promise<void> {
    const { joinsIdle, clock } = this.#parts
    const idle = joinsIdle(roomId)
    if (!(idle instanceof Promise)) return
    const joined = new AbortController()
    await Promise.race([idle, clock.sleep(MAX_JOIN_MS, joined.signal).catch(() => undefined)])
    joined.abort()
  }
}

/** The ID by which a PDU is answered, as far as it can be told. */
const idOf = (pdu: JsonObject, version: RoomVersion): string | undefined => {
  const parsed = parsePdu(pdu, version)
  return 'event' in parsed ? parsed.event.eventId : parsed.eventId
}

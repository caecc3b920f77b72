import { ReceiptReader, type ReceiptRow, type TouchedReceipt } from '../../storage/ephemeral/receipts.ts'
import type { RoomRow } from '../../storage/rooms/rooms.ts'
import type { EphemeralServices } from '../ephemeral/index.ts'
import type { RoomsContext } from '../rooms/room-writer.ts'
import { receiptContents } from '../sync/receipts-stream.ts'
import type { AppServiceAudience } from './audience.ts'

/** What waits in memory; what does not fit is not told, as typing and presence may be lost at any time. */
const MAX_WAITING = 2_000
/** Receipts that are looked at for one transaction: while a service is away, all those of a busy server may have moved. */
const MAX_RECEIPTS = 500

/** What is told of what passes, and up to which position of the stream of receipts. */
export interface Passing {
  readonly texts: readonly string[]
  readonly receiptsUpTo: number
}

/** Ephemeral data of a service (application-service API, "Pushing ephemeral data"), as JSON texts of events. */
export class PassingNews {
  readonly #audience: AppServiceAudience
  readonly #context: RoomsContext
  readonly #ephemeral: EphemeralServices
  readonly #receipts: ReceiptReader
  readonly #typing = new Set<number>()
  readonly #presence = new Map<string, ReadonlySet<number>>()
  readonly #stops: readonly (() => void)[]

  /** @param wake called when something waits to be told */
  constructor(
    parts: { audience: AppServiceAudience; context: RoomsContext; ephemeral: EphemeralServices },
    wake: () => void,
  ) {
    this.#audience = parts.audience
    this.#context = parts.context
    this.#ephemeral = parts.ephemeral
    this.#receipts = new ReceiptReader(parts.context.db)
    const { typing, presence } = parts.ephemeral
    this.#stops = [
      typing.onChange(roomNid => {
        if (this.#typing.size >= MAX_WAITING) return
        this.#typing.add(roomNid)
        wake()
      }),
      presence.states.onAnnouncement(({ userId, rooms }) => {
        if (this.#presence.size >= MAX_WAITING) return
        this.#presence.set(userId, rooms)
        wake()
      }),
    ]
  }

  /** Listens no longer. */
  close(): void {
    for (const stop of this.#stops) stop()
  }

  /** Whether anything waits that no stream tells of. */
  get isWaiting(): boolean {
    return this.#typing.size > 0 || this.#presence.size > 0
  }

  /** Takes what waits, and the first receipts of a stretch of their stream. */
  async take({ after, upTo }: { readonly after: number; readonly upTo: number }): Promise<Passing> {
    const typing = [...this.#typing]
    const presence = [...this.#presence]
    this.#typing.clear()
    this.#presence.clear()
    const texts: string[] = []
    for (const room of await this.#rooms(typing)) {
      const content = { user_ids: this.#ephemeral.typing.users(room.nid) }
      texts.push(JSON.stringify({ type: 'm.typing', room_id: room.roomId, content }))
    }
    for (const [userId, rooms] of presence) {
      const state = this.#ephemeral.presence.states.get(userId)
      if (state === undefined || !(await this.#sharesAny(userId, rooms))) continue
      const content = this.#ephemeral.presence.content(state)
      texts.push(JSON.stringify({ type: 'm.presence', sender: userId, content }))
    }
    if (upTo <= after) return { texts, receiptsUpTo: upTo }
    const touched = await this.#receipts.touched(after, upTo, MAX_RECEIPTS)
    const receiptsUpTo = touched.length < MAX_RECEIPTS ? upTo : (touched.at(-1)?.position ?? upTo)
    texts.push(...(await this.#receiptTexts(touched, { after, upTo: receiptsUpTo })))
    return { texts, receiptsUpTo }
  }

  async #rooms(nids: readonly number[]): Promise<RoomRow[]> {
    if (nids.length === 0) return []
    return this.#audience.interestingOf(await this.#context.read.rooms.byNids(nids))
  }

  async #sharesAny(userId: string, rooms: ReadonlySet<number>): Promise<boolean> {
    if (this.#audience.isOwn(userId)) return true
    for (const roomNid of rooms) if ((await this.#audience.members(roomNid)).length > 0) return true
    if (!this.#audience.namesRooms) return false
    const rows = await this.#context.read.rooms.byNids([...rooms])
    return (await this.#audience.named(rows.map(({ roomId }) => roomId))).size > 0
  }

  async #receiptTexts(
    touched: readonly TouchedReceipt[],
    { after, upTo }: { after: number; upTo: number },
  ): Promise<string[]> {
    const texts: string[] = []
    for (const room of await this.#rooms([...new Set(touched.map(({ roomNid }) => roomNid))])) {
      const span = { roomNid: room.nid, after, upTo, limit: MAX_RECEIPTS }
      const rows: ReceiptRow[] = await this.#receipts.visible(span, '')
      // "Private read receipts MUST only be sent for users matching one of the application service's namespaces."
      const own = touched.filter(
        ({ roomNid, type, userId }) =>
          roomNid === room.nid && type === 'm.read.private' && this.#audience.isOwn(userId),
      )
      for (const userId of new Set(own.map(each => each.userId))) {
        const receipts = await this.#receipts.visible(span, userId)
        rows.push(...receipts.filter(({ type }) => type === 'm.read.private'))
      }
      for (const content of receiptContents(rows)) {
        texts.push(JSON.stringify({ type: 'm.receipt', room_id: room.roomId, content }))
      }
    }
    return texts
  }
}

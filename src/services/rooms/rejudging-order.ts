import type { StoredEvent } from '../../storage/rooms/events.ts'
import type { RoomReaders } from '../../storage/rooms/index.ts'

/** The order in which events are judged once more: that in which they came, but each after what it refers to, as that may have come later. */
export class RejudgingOrder {
  readonly #events: Pick<RoomReaders['events'], 'byIds' | 'byNids'>
  /** The event whose turn it is, and those before it, of which each waits for the next: by nid. */
  readonly #waiting: number[] = []
  readonly #isWaiting = new Set<number>()
  /** Judged before it was their turn. */
  readonly #ahead = new Set<number>()

  constructor(events: Pick<RoomReaders['events'], 'byIds' | 'byNids'>) {
    this.#events = events
  }

  /** Whether an event whose turn it is has been judged already. */
  isOver({ nid }: StoredEvent): boolean {
    return this.#ahead.delete(nid)
  }

  /**
   * What is to be judged first of an event whose turn it is and all that it refers to.
   *
   * @param after all up to this position are judged
   */
  async first(stored: StoredEvent, after: number): Promise<StoredEvent> {
    const [last = stored.nid] = this.#waiting.slice(-1)
    let [top = stored] = await this.#events.byNids([last])
    this.#wait(top)
    for (;;) {
      const { roomNid, event } = top
      const open = [...(await this.#events.byIds(event.prevEvents)).values()].find(
        one => one.roomNid === roomNid && this.#isOpen(one, after),
      )
      if (open === undefined) return top
      this.#wait(open)
      top = open
    }
  }

  /** One of them is judged. Answers whether it was that whose turn it is. */
  passed({ nid }: StoredEvent): boolean {
    this.#waiting.pop()
    this.#isWaiting.delete(nid)
    if (this.#waiting.length > 0) this.#ahead.add(nid)
    return this.#waiting.length === 0
  }

  #isOpen({ nid, position }: StoredEvent, after: number): boolean {
    return position !== undefined && position > after && !this.#ahead.has(nid) && !this.#isWaiting.has(nid)
  }

  #wait({ nid }: StoredEvent): void {
    if (this.#isWaiting.has(nid)) return
    this.#isWaiting.add(nid)
    this.#waiting.push(nid)
  }
}

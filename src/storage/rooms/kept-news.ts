/** An event that has entered the stream: what tells whom it concerns. Rejected ones are left out. */
export interface NewsEvent {
  readonly position: number
  readonly nid: number
  readonly roomNid: number
  readonly type: string
  readonly stateKey: string | undefined
  readonly sender: string
  readonly softFailed: boolean
  /** By which event it was redacted when it came. */
  readonly redactedBy: number | undefined
  /** The state before it is not what held just before its position. */
  readonly forked: boolean
}

/** Whether an event may be one that takes away what others say: a redaction, or a kick or ban, which may ask for that (MSC4293). */
export const mayBeRedaction = ({
  type,
  stateKey,
  sender,
}: Pick<NewsEvent, 'type' | 'stateKey' | 'sender'>): boolean =>
  type === 'm.room.redaction' || (type === 'm.room.member' && stateKey !== sender)

/** The same as a condition on rows of `events`. */
export const MAY_BE_REDACTION =
  "(type = 'm.room.redaction' OR (type = 'm.room.member' AND state_key <> sender))"

/** A point of a room's state where something began or ceased to hold. */
export interface NewsPoint {
  readonly position: number
  readonly roomNid: number
  readonly type: string
  readonly stateKey: string
  /** An event took the place; else what held before ended. */
  readonly began: boolean
}

/** Events and changes of state of one span, each in order. */
export interface KnownNews {
  readonly events: readonly NewsEvent[]
  readonly points: readonly NewsPoint[]
}

const NOTHING: KnownNews = { events: [], points: [] }

/** Events and changes of state of one stretch of the stream, in memory. */
export class KeptNews {
  #events: NewsEvent[] = []
  #points: NewsPoint[] = []
  /** The same by room. */
  #byRoom = new Map<number, { readonly events: NewsEvent[]; readonly points: NewsPoint[] }>()

  /** How many events there are. */
  get size(): number {
    return this.#events.length
  }

  /** The position of the event that so many are before. */
  positionOf(index: number): number | undefined {
    return this.#events[index]?.position
  }

  /** The events after one position up to another, in order. */
  events(after: number, upTo: number): readonly NewsEvent[] {
    return spanOf(this.#events, after, upTo)
  }

  /** The changes of state. */
  points(after: number, upTo: number): readonly NewsPoint[] {
    return spanOf(this.#points, after, upTo)
  }

  /** Both of one room. */
  ofRoom(roomNid: number, after: number, upTo: number): KnownNews {
    const { events, points } = this.#byRoom.get(roomNid) ?? NOTHING
    return { events: spanOf(events, after, upTo), points: spanOf(points, after, upTo) }
  }

  /** Takes in what comes after all that there is. */
  add(events: readonly NewsEvent[], points: readonly NewsPoint[]): void {
    for (const event of events) {
      this.#events.push(event)
      this.#of(event.roomNid).events.push(event)
    }
    for (const point of points) {
      this.#points.push(point)
      this.#of(point.roomNid).points.push(point)
    }
  }

  /** Forgets what is not after a position. */
  dropUpTo(position: number): void {
    const events = this.#events.filter(event => event.position > position)
    const points = this.#points.filter(point => point.position > position)
    this.#events = []
    this.#points = []
    this.#byRoom = new Map()
    this.add(events, points)
  }

  #of(roomNid: number): { events: NewsEvent[]; points: NewsPoint[] } {
    const known = this.#byRoom.get(roomNid)
    if (known !== undefined) return known
    const made = { events: [], points: [] }
    this.#byRoom.set(roomNid, made)
    return made
  }
}

/** The part of a list in order of positions that lies in a span, which is mostly its end. */
const spanOf = <T extends { readonly position: number }>(
  list: readonly T[],
  after: number,
  upTo: number,
): readonly T[] => {
  const start = list.findLastIndex(({ position }) => position <= after) + 1
  const end = list.findLastIndex(({ position }) => position <= upTo) + 1
  return list.slice(start, end)
}

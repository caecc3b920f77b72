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
  #bytes = 0
  /** The same by room. */
  #byRoom = new Map<number, { readonly events: NewsEvent[]; readonly points: NewsPoint[] }>()

  /** How many events there are. */
  get size(): number {
    return this.#events.length
  }

  /** How much memory it takes, about. */
  get bytes(): number {
    return this.#bytes
  }

  /** The position of the event that so many are before. */
  positionOf(index: number): number | undefined {
    return this.#events[index]?.position
  }

  /** The position of the last of so many events after a position; `undefined` if there are fewer. */
  positionAfter(position: number, count: number): number | undefined {
    return this.positionOf(firstAfter(this.#events, position) + count - 1)
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
      this.#bytes += bytesOfEvent(event)
      this.#of(event.roomNid).events.push(event)
    }
    for (const point of points) {
      this.#points.push(point)
      this.#bytes += bytesOfPoint(point)
      this.#of(point.roomNid).points.push(point)
    }
  }

  /** Forgets what is not after a position. */
  dropUpTo(position: number): void {
    const events = this.#events.filter(event => event.position > position)
    const points = this.#points.filter(point => point.position > position)
    this.#events = []
    this.#points = []
    this.#bytes = 0
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

/** What one takes beside its texts, in both lists. */
const EVENT_BYTES = 180
const POINT_BYTES = 140

const bytesOfEvent = ({ type, stateKey = '', sender }: NewsEvent): number =>
  EVENT_BYTES + type.length + stateKey.length + sender.length

const bytesOfPoint = ({ type, stateKey }: NewsPoint): number => POINT_BYTES + type.length + stateKey.length

/** The part of a list in order of positions that lies in a span. */
const spanOf = <T extends { readonly position: number }>(
  list: readonly T[],
  after: number,
  upTo: number,
): readonly T[] => list.slice(firstAfter(list, after), firstAfter(list, upTo))

/** How many of a list in order of positions are not after one. */
const firstAfter = (list: readonly { readonly position: number }[], position: number): number => {
  let [low, high] = [0, list.length]
  while (low < high) {
    const middle = (low + high) >> 1
    if ((list[middle]?.position ?? 0) <= position) low = middle + 1
    else high = middle
  }
  return low
}

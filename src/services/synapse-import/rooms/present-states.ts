import { stateMapKey } from '../../../core/event/event.ts'
import type { PresentChange, SynapseRooms } from '../../../storage/synapse/rooms/room-reader.ts'
import type { GroupPoint } from './group-states.ts'

/** How the present state of a room has changed with its events, as Synapse has resolved its branches. */
export class PresentStates {
  readonly #source: SynapseRooms
  readonly #roomId: string
  /** Up to where changes were read, and those that were not handed out. */
  #read: number
  #waiting: PresentChange[] = []

  /** @param after where in the stream an earlier attempt has ended */
  constructor(source: SynapseRooms, roomId: string, after: number) {
    this.#source = source
    this.#roomId = roomId
    this.#read = after
  }

  get areKnown(): boolean {
    return this.#source.tellsChanges
  }

  /** Reads what there is up to a position of the stream. */
  async readUpTo(stream: number): Promise<void> {
    if (!this.areKnown || stream <= this.#read) return
    const rows = await this.#source.changes(this.#roomId, this.#read, stream)
    // When Synapse leaves a room it says that nothing holds any more.
    const left = new Set(rows.flatMap(row => (isEnd(row) ? [row.stream] : [])))
    this.#waiting.push(...rows.filter(row => row.eventId !== null || !left.has(row.stream)))
    this.#read = stream
  }

  /** What has changed with an event, since this was last asked. */
  upTo(stream: number): GroupPoint[] {
    const due = this.#waiting.filter(row => since(row) <= stream)
    this.#waiting = this.#waiting.filter(row => since(row) > stream)
    const points = due.map(({ type, stateKey, eventId }) => ({
      type,
      stateKey,
      eventId: eventId ?? undefined,
    }))
    return [...new Map(points.map(point => [stateMapKey(point.type, point.stateKey), point])).values()]
  }
}

const isEnd = ({ type, eventId }: PresentChange): boolean => type === 'm.room.create' && eventId === null

/** Of events that come together, Synapse notes the changes with the first. */
const since = ({ stream, eventStream }: PresentChange): number => Math.max(stream, eventStream ?? 0)

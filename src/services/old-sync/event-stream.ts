import { MatrixError } from '../../core/errors.ts'
import { formatStreamToken, parseStreamToken } from '../../core/stream-token.ts'
import type { StoredEvent } from '../../storage/rooms/events.ts'
import type { Requester } from '../requester.ts'
import type { ClientEvents } from '../rooms/client-events.ts'
import { DUMMY_TYPE } from '../rooms/dummy-type.ts'
import type { IgnoredUsers } from '../rooms/ignored-users.ts'
import { accessOf } from '../rooms/room-access.ts'
import { type Sight, sightOf } from '../rooms/room-sight.ts'
import type { RoomsContext } from '../rooms/room-writer.ts'

/** What to listen to. */
export interface StreamRequest {
  /** Where an earlier response ended; the present if not given. */
  readonly from?: string | undefined
  readonly timeoutMs?: number | undefined
  /** One room, which the user need not be in if it is world-readable; all rooms that they are in if not given. */
  readonly roomId?: string | undefined
}

const DEFAULT_TIMEOUT_MS = 0
const MAX_TIMEOUT_MS = 60_000
const MAX_EVENTS = 100

/** `GET /events`, from before `/sync`: new events as they come. What remains of its use is peeking into one room. */
export class EventStream {
  readonly #context: RoomsContext
  readonly #clientEvents: ClientEvents
  readonly #ignoredUsers: IgnoredUsers
  readonly #closing = new AbortController()

  constructor(parts: { context: RoomsContext; clientEvents: ClientEvents; ignoredUsers: IgnoredUsers }) {
    this.#context = parts.context
    this.#clientEvents = parts.clientEvents
    this.#ignoredUsers = parts.ignoredUsers
  }

  /**
   * The events since `from`, as JSON text; waits for one until the time-out. Throws `M_INVALID_PARAM` (token),
   * `M_FORBIDDEN` (a room that the user may not read).
   */
  async read(requester: Requester, request: StreamRequest, signal: AbortSignal): Promise<string> {
    const { db, clock } = this.#context
    const after = request.from === undefined ? db.position('events') : positionOf(request.from)
    const timeout = Math.min(Math.max(request.timeoutMs ?? DEFAULT_TIMEOUT_MS, 0), MAX_TIMEOUT_MS)
    const deadline = clock.now() + timeout
    const over = AbortSignal.any([signal, this.#closing.signal])
    for (;;) {
      const commit = this.#nextCommit(deadline, over)
      try {
        const upTo = db.position('events')
        const found = await this.#between(requester, request.roomId, after, upTo)
        const isOver = over.aborted || clock.now() >= deadline
        if (found.texts.length > 0 || isOver) {
          const [start, end] = [after, found.upTo].map(events => formatStreamToken({ events }))
          return `{"start":"${start}","end":"${end}","chunk":[${found.texts.join(',')}]}`
        }
        await commit.happened
      } finally {
        commit.cancel()
      }
    }
  }

  /** Answers everybody who waits, and lets nobody wait any more. */
  close(): void {
    this.#closing.abort()
  }

  async #between(
    requester: Requester,
    roomId: string | undefined,
    after: number,
    upTo: number,
  ): Promise<{ texts: string[]; upTo: number }> {
    const events: { stored: StoredEvent; sight: Sight }[] = []
    let end = upTo
    const ignored = await this.#ignoredUsers.of(requester.userId)
    const missed = await this.#ignoredUsers.missedBy(requester.userId)
    const isWanted = ({ event, position = 0 }: StoredEvent): boolean =>
      event.stateKey !== undefined ||
      (event.type !== DUMMY_TYPE && !ignored.has(event.sender) && missed?.(event.sender, position) !== true)
    for (const roomNid of await this.#rooms(requester.userId, roomId)) {
      const page = await this.#context.read.events.forwards({ roomNid, after, upTo, limit: MAX_EVENTS })
      if (page.length === 0) continue
      // What another room has beyond here waits for the next request.
      if (page.length === MAX_EVENTS) end = Math.min(end, page.at(-1)?.position ?? end)
      const sight = await sightOf(this.#context.read, roomNid, requester.userId)
      for (const stored of page) if (isWanted(stored) && sight.sees(stored)) events.push({ stored, sight })
    }
    const shown = events
      .filter(({ stored }) => (stored.position ?? 0) <= end)
      .toSorted((a, b) => (a.stored.position ?? 0) - (b.stored.position ?? 0))
    const texts: string[] = []
    for (const { stored, sight } of shown)
      texts.push(...(await this.#clientEvents.render([stored], { ...requester, sight }, { roomId: true })))
    return { texts, upTo: end }
  }

  async #rooms(userId: string, roomId: string | undefined): Promise<number[]> {
    const { read } = this.#context
    if (roomId !== undefined) return [(await accessOf(read, userId, roomId)).room.nid]
    return (await read.memberships.ofUser(userId, ['join'])).map(row => row.roomNid)
  }

  /** Settles at the next commit that brings events, at the deadline (ms), or when `over` is aborted. */
  #nextCommit(deadline: number, over: AbortSignal): { happened: Promise<void>; cancel(): void } {
    const { db, clock } = this.#context
    const { promise, resolve } = Promise.withResolvers<void>()
    const stop = db.onCommit(moved => moved.has('events') && resolve())
    const cancelled = new AbortController()
    const wait = clock.sleep(Math.max(deadline - clock.now(), 0), cancelled.signal)
    wait.then(resolve, resolve)
    const cancel = (): void => {
      stop()
      cancelled.abort()
      over.removeEventListener('abort', cancel)
      resolve()
    }
    over.addEventListener('abort', cancel)
    return { happened: promise, cancel }
  }
}

const positionOf = (token: string): number => {
  const position = parseStreamToken(token)?.events
  if (position === undefined) throw new MatrixError('M_INVALID_PARAM', 'from is not a token of this server')
  return position
}

import { MatrixError } from '../../core/errors.ts'
import { formatStreamToken, type StreamToken } from '../../core/stream-token.ts'
import { heldToken, type ImportedFrom } from '../held-token.ts'
import type { Requester } from '../requester.ts'
import { accessOf } from '../rooms/room-access.ts'
import type { RoomsContext } from '../rooms/room-writer.ts'
import type { OwnNews } from './own-news.ts'
import type { RoomNews } from './room-news.ts'
import type { RoomWakes } from './room-wakes.ts'

/** What to listen to. */
export interface StreamRequest {
  /** Where an earlier response ended; the present if not given. */
  readonly from?: string | undefined
  readonly timeoutMs?: number | undefined
  /** One room, which the user need not be in if it is world-readable; all that concerns them if not given. */
  readonly roomId?: string | undefined
}

const DEFAULT_TIMEOUT_MS = 0
const MAX_TIMEOUT_MS = 60_000

/** `GET /events`, from before `/sync`: events as they come, all that concern a user or those of one room. */
export class EventStream {
  readonly #context: RoomsContext
  readonly #rooms: RoomNews
  readonly #own: OwnNews
  readonly #wakes: RoomWakes
  readonly #closing = new AbortController()

  constructor(parts: { context: RoomsContext; rooms: RoomNews; own: OwnNews; wakes: RoomWakes }) {
    this.#context = parts.context
    this.#rooms = parts.rooms
    this.#own = parts.own
    this.#wakes = parts.wakes
  }

  /**
   * The events since `from`, as JSON text; waits for one until the time-out. Throws `M_INVALID_PARAM` (token),
   * `M_FORBIDDEN` (a room that the user may not read).
   */
  async read(requester: Requester, request: StreamRequest, signal: AbortSignal): Promise<string> {
    const from = request.from === undefined ? undefined : tokenOf(request.from, this.#context.db)
    const timeout = Math.min(Math.max(request.timeoutMs ?? DEFAULT_TIMEOUT_MS, 0), MAX_TIMEOUT_MS)
    const deadline = this.#context.clock.now() + timeout
    const over = AbortSignal.any([signal, this.#closing.signal])
    const { start, end, texts } =
      request.roomId === undefined
        ? await this.#own.read(requester, from, deadline, over)
        : await this.#ofRoom(requester, request.roomId, { from, deadline, over })
    const [first, last] = [start, end].map(formatStreamToken)
    return `{"start":"${first}","end":"${last}","chunk":[${texts.join(',')}]}`
  }

  /** Answers everybody who waits, and lets nobody wait any more. */
  close(): void {
    this.#closing.abort()
  }

  async #ofRoom(
    requester: Requester,
    roomId: string,
    { from, deadline, over }: { from: StreamToken | undefined; deadline: number; over: AbortSignal },
  ): Promise<Chunk> {
    const { db, clock, read } = this.#context
    const after = from?.events ?? db.position('events')
    let { room } = await accessOf(read, requester.userId, roomId)
    for (;;) {
      const news = this.#newsOf(room.nid, deadline, over)
      try {
        const upTo = db.position('events')
        const found = await this.#rooms.between(requester, [room.nid], after, upTo)
        if (found.texts.length > 0 || over.aborted || clock.now() >= deadline)
          return { start: { events: after }, end: { events: found.upTo }, texts: found.texts }
        await news.happened
      } finally {
        news.cancel()
      }
      // They may have come to read it no longer.
      room = (await accessOf(read, requester.userId, roomId)).room
    }
  }

  /** Settles when something has happened in a room, at the deadline (ms), or when `over` is aborted. */
  #newsOf(roomNid: number, deadline: number, over: AbortSignal): { happened: Promise<void>; cancel(): void } {
    const { clock } = this.#context
    const { promise, resolve } = Promise.withResolvers<void>()
    const stop = this.#wakes.on(roomNid, resolve)
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

/** Events as JSON texts, with the tokens of where they begin and end. */
export interface Chunk {
  readonly start: StreamToken
  readonly end: StreamToken
  readonly texts: readonly string[]
}

const tokenOf = (text: string, db: ImportedFrom): StreamToken => {
  const token = heldToken(text, db)
  if (token?.events === undefined)
    throw new MatrixError('M_INVALID_PARAM', 'from is not a token of this server')
  return token
}

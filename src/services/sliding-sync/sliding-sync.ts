import type { StreamToken } from '../../core/stream-token.ts'
import type { Answer } from '../answer.ts'
import type { Departure } from '../departure.ts'
import type { Requester } from '../requester.ts'
import { AHEAD, inOrder } from '../sync/response.ts'
import type { Connection } from './connection.ts'
import { ListFilter } from './list-filters.ts'
import type { SlidingRequest } from './request.ts'
import { responseText } from './response-text.ts'
import { hasNews, isFresh, refreshRecounts } from './room-changes.ts'
import type { Look } from './room-writer.ts'
import { type Selected, select } from './selection.ts'
import type { SentRoom } from './sent-room.ts'
import { readSimplifiedRequest, type SimplifiedRequest } from './simplified-dialect.ts'
import type { SlidingSyncParts } from './sliding-sync-parts.ts'
import type { ToldRoom } from './told-room.ts'

/** The longest that a client may wait, whatever it asks for. */
const MAX_TIMEOUT_MS = 120_000

/** Rooms in one response; what more there is to tell comes with the next, which does not wait. */
const MAX_ROOMS = 250
/** The same of what they hold, in characters: it is put together in memory. */
const MAX_LENGTH = 8 * 1024 * 1024
/** Rooms that are made at a time where all their members are told: each may hold more than a response should. */
const WHOLE_AHEAD = 4

/** Sliding sync (MSC4186): a second dialect over the streams of `/sync`. */
export class SlidingSync {
  readonly #parts: SlidingSyncParts
  readonly #answering = new Set<Promise<unknown>>()

  constructor(parts: SlidingSyncParts) {
    this.#parts = parts
  }

  start(): void {
    this.#parts.keeper.start()
  }

  /** Waits for what is being answered, and stores what clients were told, for them to go on. */
  async close(): Promise<void> {
    await Promise.allSettled(this.#answering)
    await this.#parts.keeper.close()
  }

  /**
   * A response as JSON text, in the dialect of `org.matrix.simplified_msc3575`: at once at the beginning of a connection, and
   * if there is news; else as soon as there is, at the latest after the time-out.
   *
   * Throws `M_UNKNOWN_POS`, `M_INVALID_PARAM`.
   */
  async simplified(requester: Requester, asked: SimplifiedRequest, departure: Departure): Promise<string> {
    const answering = this.#simplified(requester, asked, departure)
    this.#answering.add(answering)
    try {
      return await answering
    } finally {
      this.#answering.delete(answering)
    }
  }

  async #simplified(requester: Requester, asked: SimplifiedRequest, departure: Departure): Promise<string> {
    const { watch, notifier, connections, ready, profiles } = this.#parts
    const request = readSimplifiedRequest(asked, requester.userId)
    const { connectionId, pos } = request
    const { userId, deviceId = requester.tokenId } = requester
    const key = { userId, deviceId, name: JSON.stringify(connectionId) }
    const connection = pos === undefined ? connections.open(key) : await connections.resume(key, pos)
    const deadline = notifier.now() + Math.min(request.timeoutMs, MAX_TIMEOUT_MS)
    const release = connections.hold(key, connection)
    const unasked = request.extensions.profiles && profiles.ask(userId)
    try {
      await ready()
      await notifier.caughtUp()
      const leave = await watch.enter(requester.userId)
      try {
        return await this.#whenThereIsNews(requester, connection, request, { deadline, departure })
      } finally {
        leave()
      }
    } finally {
      unasked?.()
      release()
    }
  }

  async #whenThereIsNews(
    requester: Requester,
    connection: Connection,
    request: SlidingRequest,
    { deadline, departure }: { deadline: number; departure: Departure },
  ): Promise<string> {
    const { notifier } = this.#parts
    const mayWait = request.pos !== undefined && deadline > notifier.now()
    const wait = mayWait ? notifier.wait(requester.userId, deadline, departure) : undefined
    try {
      for (;;) {
        wait?.again()
        const { text, isEmpty } = await this.#response(requester, connection, request)
        const isOver = notifier.now() >= deadline || departure.aborted || notifier.isClosed || wait?.isOver
        if (!isEmpty || wait === undefined || isOver) return text
        await wait.woken
      }
    } finally {
      wait?.cancel()
    }
  }

  async #response(
    requester: Requester,
    connection: Connection,
    request: SlidingRequest,
  ): Promise<{ text: string; isEmpty: boolean }> {
    const { watch, invites, ignoredUsers, list, extensions, read, accountData, direct } = this.#parts
    const { userId } = requester
    const { positions: before, serial } = connection
    const { known } = connection
    const after = Math.min(before.events ?? 0, known.upTo?.events ?? Number.POSITIVE_INFINITY)
    const now = watch.look(userId, after, before.events === undefined)
    const counted = this.#parts.counted(userId, before.events ?? 0)
    const { recounting } = this.#parts
    const recounted = {
      receipts: recounting.receipts.position(),
      account_data: recounting.account_data.position(),
    }
    const invitesNow = invites.position
    const { invites: invitesBefore = before.invites } = known.upTo ?? {}
    const mayBeInvited =
      before.invites === undefined ||
      invites.mayHaveNews(userId, Math.min(before.invites, invitesBefore ?? before.invites))
    const { users: ignored, missed } = await ignoredUsers.lists(userId)
    const look: Look = {
      ...{ requester, after: before.events, ignored, missed },
      upTo: Math.max(now.upTo, before.events ?? 0),
      ...{ counted, recounted, tellsProfiles: request.extensions.profiles !== undefined },
    }
    await refreshRecounts(connection, recounted, recounting, userId)
    await list.refresh(connection, userId, now, mayBeInvited ? invitesNow : undefined)
    known.upTo = { events: now.upTo, invites: invitesNow }
    connection.settle(known.activity.values())
    const policy = await this.#parts.invitePolicies.of(userId)
    const places = list.places(
      connection,
      now,
      ({ kind, sender }) => kind === 'invite' && (look.ignored.has(sender) || policy(sender) !== 'allow'),
    )
    const filter = new ListFilter({ ...{ read, accountData, direct, userId, places } })
    const { counts, selected } = await select(request, places, filter)
    const told = await this.#rooms(look, connection, selected)
    const sent = new Map([...told].map(([roomId, room]) => [roomId, room.sent]))
    const answer = await extensions.of(look, request.extensions, before, {
      fresh: places.flatMap(place =>
        isFresh(sent.get(place.roomId), connection.rooms.get(place.roomId)) && 'roomNid' in place
          ? place
          : [],
      ),
      ...{ known: connection.rooms, selected, owed: connection.owed, told },
      isTold: (roomId, nid) => told.get(roomId)?.timeline.has(nid) === true,
    })
    const positions: StreamToken = {
      ...{ ...before, ...answer.positions, events: look.upTo },
      invites: Math.max(invitesNow, before.invites ?? 0),
    }
    const pos = connection.answer(serial, { positions, rooms: sent, owed: answer.owed })
    return {
      isEmpty: told.size === 0 && !answer.hasNews,
      text: responseText({ pos, txnId: request.txnId, counts, rooms: told, extensions: answer.texts }),
    }
  }

  /** The rooms that have something to tell, at most so many, and so much of it. */
  async #rooms(
    look: Look,
    connection: Connection,
    selected: ReadonlyMap<string, Selected>,
  ): Promise<Map<string, ToldRoom>> {
    const direct = await this.#parts.direct.of(look.requester.userId)
    const known = { direct, counted: look.counted, recounts: connection.known.recounts }
    const withNews = [...selected.values()].filter(
      one => hasNews(one, connection.rooms.get(one.place.roomId), known) && !this.#lacksMembers(look, one),
    )
    const told = new Map<string, ToldRoom>()
    const make = async (one: Selected) => ({
      roomId: one.place.roomId,
      room: await this.#room(look, connection.rooms.get(one.place.roomId), one, direct),
    })
    const ahead = withNews.some(one => tellsAll(one, connection)) ? WHOLE_AHEAD : AHEAD
    const made = inOrder(withNews.slice(0, MAX_ROOMS), ahead, make, ({ room }) => room.text.length)
    let length = 0
    for await (const { roomId, room } of made) {
      told.set(roomId, room)
      length += room.text.length
      if (length > MAX_LENGTH) break
    }
    return told
  }

  /** Who wants all members waits for a room until they are known (MSC3902, of clients that do not load members lazily). */
  #lacksMembers({ upTo }: Look, { place, config }: Selected): boolean {
    const wantsAll = place.kind === 'joined' && config.requiredState.allMembers
    return wantsAll && this.#parts.partial.isOpenAt(place.roomNid, upTo)
  }

  async #room(
    look: Look,
    before: SentRoom | undefined,
    { place, config, lists }: Selected,
    direct: ReadonlySet<string>,
  ): Promise<ToldRoom> {
    const told = await this.#told(look, before, { place, config }, direct.has(place.roomId))
    if (lists.length === 0) return told
    return { ...told, text: `{"lists":${JSON.stringify(lists)},${told.text.slice(1)}` }
  }

  #told(
    look: Look,
    before: SentRoom | undefined,
    { place, config }: Pick<Selected, 'place' | 'config'>,
    isDirect: boolean,
  ): Answer<ToldRoom> {
    const { rooms } = this.#parts
    const goesOn = before?.kind === 'joined' && before.isDoubtful !== true ? before : undefined
    if (place.kind === 'joined') return rooms.joined(look, place, config, { before: goesOn, isDirect })
    if (place.kind === 'left') return rooms.left(look, place, config, goesOn)
    return place.kind === 'invited' ? rooms.invited(place) : rooms.ended(place)
  }
}

/** Whether a client that has not been told of all members of a room is told of them now. */
const tellsAll = ({ place, config }: Selected, { rooms }: Connection): boolean =>
  config.requiredState.allMembers && rooms.get(place.roomId)?.requiredState?.allMembers !== true

import { MatrixError } from '../../core/errors.ts'
import { isServerName } from '../../core/ids.ts'
import { isJsonObject, roughLength } from '../../core/json.ts'
import { searchWords } from '../../core/search-text.ts'
import type { Operations } from '../../spec/types.ts'
import {
  type DirectoryPlace,
  type DirectoryQuery,
  MAX_DIRECTORY_WORDS,
  type SummaryRow,
} from '../../storage/rooms/summaries.ts'
import { mayNameRoom } from '../rooms/directory.ts'
import type { RoomWriter } from '../rooms/room-writer.ts'
import { shownSummaries } from '../rooms/shown-summary.ts'
import type { RemoteDiscovery } from './ports.ts'

/** A page of a directory, as clients get it. */
export type DirectoryPage = Operations['queryPublicRooms']['response']

/** Which of the published rooms are wanted. */
export interface DirectoryRequest {
  readonly limit?: number | undefined
  /** A token of an earlier page. */
  readonly since?: string | undefined
  readonly searchTerm?: string | undefined
  /** If given, only rooms of these types; `null` stands for rooms without one. */
  readonly roomTypes?: readonly (string | null)[] | undefined
  /** Rooms of one bridged network, or of all of them, instead of this server's own. */
  readonly network?: string | undefined
  readonly allNetworks?: boolean | undefined
}

const DEFAULT_LIMIT = 50
const MAX_LIMIT = 500
/** Rooms may have names and topics of 60,000 characters: a page ends when it has so many. */
const MAX_LENGTH = 2_000_000
/** Rooms that are read at a time. */
const BATCH = 50

/** The room directory: rooms that somebody has published, most members first. */
export class PublicRooms {
  readonly #writer: RoomWriter
  readonly #remote: RemoteDiscovery
  readonly #isEnabled: boolean
  readonly #isForServers: boolean
  readonly #isForStrangers: boolean

  constructor(parts: {
    writer: RoomWriter
    remote: RemoteDiscovery
    isEnabled: boolean
    isForServers: boolean
    isForStrangers: boolean
  }) {
    this.#writer = parts.writer
    this.#remote = parts.remote
    this.#isEnabled = parts.isEnabled
    this.#isForServers = parts.isForServers
    this.#isForStrangers = parts.isForStrangers
  }

  /** Refuses those who do not say who they are, where the operator does. Throws `M_MISSING_TOKEN`. */
  checkStranger(): void {
    if (!this.#isForStrangers)
      throw new MatrixError('M_MISSING_TOKEN', 'Log in to see the rooms of this server')
  }

  /** Whether a room is in the directory. Throws `M_NOT_FOUND` if it is not known here. */
  async isPublished(roomId: string): Promise<boolean> {
    return (await this.#row(roomId)).isPublished
  }

  /**
   * Puts a room into the directory or takes it out: whoever may give it its main alias may, and administrators.
   * Throws `M_NOT_FOUND`, `M_FORBIDDEN`.
   */
  async publish(
    requester: { readonly userId: string; readonly isAdmin: boolean },
    roomId: string,
    isPublished: boolean,
  ): Promise<void> {
    const { roomNid } = await this.#row(roomId)
    if (isPublished && !this.#isEnabled) {
      throw new MatrixError('M_FORBIDDEN', 'This server has no room directory')
    }
    if (!requester.isAdmin && !(await mayNameRoom(this.#writer, requester.userId, roomId))) {
      throw new MatrixError('M_FORBIDDEN', 'You may not decide whether this room is listed')
    }
    const { db, write } = this.#writer.context
    await db.commit({
      statements: [write.rooms.publish(roomNid, isPublished), write.summaries.publish(roomNid, isPublished)],
    })
  }

  /**
   * A page of the directory: of this server, or of the one named. Tokens say beside which room a page ends, so that
   * rooms which come and go between two pages shift nothing. Throws `M_INVALID_PARAM`; what the other server says.
   */
  async list(request: DirectoryRequest, server?: string): Promise<DirectoryPage> {
    // A network "can only be used if `include_all_networks` is false".
    if (request.allNetworks === true && request.network !== undefined)
      throw new MatrixError('M_INVALID_PARAM', 'Either one network is asked for, or all')
    if (server === undefined || server === this.#writer.context.serverName)
      return this.#ofThisServer(request, false)
    if (!isServerName(server)) throw new MatrixError('M_INVALID_PARAM', `${server} is not a server name`)
    return this.#ofOtherServer(request, server)
  }

  /**
   * A page of this server's directory for another server, whose default is no limit but ours, without the rooms that its users could
   * never join (`m.federate`). Throws `M_FORBIDDEN` if the operator keeps the directory to the users of this server.
   */
  async forServer(request: DirectoryRequest): Promise<DirectoryPage> {
    if (!this.#isForServers)
      throw new MatrixError('M_FORBIDDEN', 'The directory is not open to other servers')
    return this.#ofThisServer({ ...request, limit: request.limit || MAX_LIMIT }, true)
  }

  async #ofThisServer(request: DirectoryRequest, forServers: boolean): Promise<DirectoryPage> {
    const from = request.since === undefined ? undefined : parseToken(request.since)
    if (!this.#isEnabled) return { chunk: [], total_room_count_estimate: 0 }
    const { summaries } = this.#writer.context.read
    const limit = Math.min(Math.max(request.limit ?? DEFAULT_LIMIT, 1), MAX_LIMIT)
    const direction = from?.direction ?? 'after'
    const query = {
      words: searchWords(request.searchTerm ?? '', MAX_DIRECTORY_WORDS),
      roomTypes: request.roomTypes?.map(type => type ?? ''),
      direction,
      network: request.network ?? (request.allNetworks === true ? 'all' : undefined),
      forServers,
    }
    const [{ rows, hasMore }, total] = await Promise.all([
      this.#page(query, from?.place, limit),
      summaries.countPublished(),
    ])
    const shown = direction === 'after' ? rows : rows.toReversed()
    const [first, last] = [shown[0], shown.at(-1)]
    const hasNext = direction === 'after' ? hasMore : true
    const hasPrevious = direction === 'after' ? from !== undefined : hasMore
    return {
      chunk: (await shownSummaries(this.#writer.context.read, shown)).map(chunkOf),
      ...(hasNext && last !== undefined ? { next_batch: tokenOf('after', last) } : {}),
      ...(hasPrevious && first !== undefined ? { prev_batch: tokenOf('before', first) } : {}),
      total_room_count_estimate: total,
    }
  }

  /** The rooms of a page from a place on: so many, or fewer where these are described at length. */
  async #page(
    query: Omit<DirectoryQuery, 'place' | 'limit'>,
    from: DirectoryPlace | undefined,
    limit: number,
  ): Promise<{ readonly rows: readonly SummaryRow[]; readonly hasMore: boolean }> {
    const { summaries } = this.#writer.context.read
    const rows: SummaryRow[] = []
    let length = 0
    for (let place = from; ; place = rows.at(-1)) {
      const asked = Math.min(BATCH, limit + 1 - rows.length)
      const batch = await summaries.directory({ ...query, place, limit: asked })
      for (const row of batch) {
        if (rows.length === limit || length > MAX_LENGTH) return { rows, hasMore: true }
        rows.push(row)
        length += roughLength(row.summary)
      }
      if (batch.length < asked) return { rows, hasMore: false }
    }
  }

  async #ofOtherServer(request: DirectoryRequest, server: string): Promise<DirectoryPage> {
    const { searchTerm, roomTypes, since } = request
    const filter = {
      ...(searchTerm === undefined ? {} : { generic_search_term: searchTerm }),
      ...(roomTypes === undefined ? {} : { room_types: roomTypes }),
    }
    const page = await this.#remote.publicRooms(server, {
      limit: Math.min(Math.max(request.limit ?? DEFAULT_LIMIT, 1), MAX_LIMIT),
      ...(since === undefined ? {} : { since }),
      ...(Object.keys(filter).length === 0 ? {} : { filter }),
      ...(request.network === undefined ? {} : { thirdPartyInstanceId: request.network }),
      ...(request.allNetworks === undefined ? {} : { includeAllNetworks: request.allNetworks }),
    })
    const { nextBatch, prevBatch, totalRoomCountEstimate } = page
    return {
      chunk: page.chunk.map(room => ({ ...room })),
      ...(nextBatch === undefined ? {} : { next_batch: nextBatch }),
      ...(prevBatch === undefined ? {} : { prev_batch: prevBatch }),
      ...(totalRoomCountEstimate === undefined ? {} : { total_room_count_estimate: totalRoomCountEstimate }),
    }
  }

  async #row(roomId: string): Promise<SummaryRow> {
    const { read } = this.#writer.context
    const room = await read.rooms.byId(roomId)
    const row = room && (await read.summaries.ofRoom(room.nid))
    if (row === undefined) throw new MatrixError('M_NOT_FOUND', 'This room is not known to this server')
    return row
  }
}

/** A room as the directory shows it (`PublishedRoomsChunk`). */
const chunkOf = ({ roomId, joinedMembers, summary }: SummaryRow): DirectoryPage['chunk'][number] => {
  const { allowed_room_ids: _, ...shown } = summary
  return { room_id: roomId, num_joined_members: joinedMembers, ...shown }
}

const tokenOf = (direction: 'after' | 'before', { joinedMembers, roomNid }: SummaryRow): string =>
  `${direction}.${joinedMembers}.${roomNid}`

const parseToken = (
  token: string,
): { readonly direction: 'after' | 'before'; readonly place: DirectoryPlace } => {
  const [, direction, joinedMembers, roomNid] = /^(after|before)\.(\d{1,15})\.(\d{1,15})$/.exec(token) ?? []
  if (direction === undefined) throw new MatrixError('M_INVALID_PARAM', 'since is not a token of this server')
  return {
    direction: direction === 'after' ? 'after' : 'before',
    place: { joinedMembers: Number(joinedMembers), roomNid: Number(roomNid) },
  }
}

/** The directory's filter, as clients and servers send it. */
export const directoryFilter = (filter: unknown): Pick<DirectoryRequest, 'searchTerm' | 'roomTypes'> => {
  if (!isJsonObject(filter)) return {}
  const { generic_search_term: term, room_types: types } = filter
  return {
    ...(typeof term === 'string' ? { searchTerm: term } : {}),
    ...(Array.isArray(types)
      ? { roomTypes: types.filter(type => type === null || typeof type === 'string') }
      : {}),
  }
}

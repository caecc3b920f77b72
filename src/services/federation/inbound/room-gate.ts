import { boundedCache } from '../../../core/caches.ts'
import { MatrixError } from '../../../core/errors.ts'
import { isServerAllowed, parseServerAcl, type ServerAcl } from '../../../core/server-acl.ts'
import { ServerMembershipReader } from '../../../storage/federation/server-memberships.ts'
import type { StoredEvent } from '../../../storage/rooms/events.ts'
import type { RoomHead } from '../../rooms/room-head.ts'
import { contentShown } from '../../rooms/room-summary.ts'
import type { RoomWriter } from '../../rooms/room-writer.ts'
import { endOfLastStay } from './last-stay.ts'

/** For so long a request waits for the members of a room. */
const PATIENCE_MS = 10_000

/** What one pattern of an access control list takes in memory. */
const BYTES_OF_ENTRY = 150

/** MSC3895. */
const unableToJudge = (status = 403): MatrixError =>
  new MatrixError('M_UNABLE_DUE_TO_PARTIAL_STATE', 'This server does not know all members of the room yet', {
    status,
  })

const notInRoom = (head: RoomHead): MatrixError =>
  head.partial === undefined
    ? new MatrixError('M_FORBIDDEN', 'Your server is not in this room')
    : unableToJudge()

/** A room, for a server that asks about its past. */
export interface OpenedRoom {
  readonly head: RoomHead
  /** Whether the server may ask about an event, or at it: all of them if it is in the room. */
  reaches(stored: Pick<StoredEvent, 'position'>): boolean
}

/** Decides which servers may ask and say something about a room. */
export class RoomGate {
  readonly #writer: RoomWriter
  readonly #members: ServerMembershipReader
  /** By the nid of the event; those that were redacted, by its negative. */
  readonly #acls = boundedCache<number, ServerAcl>('server_acls', {
    bytes: ({ allow, deny }) => (allow.length + deny.length) * BYTES_OF_ENTRY,
  })

  constructor(writer: RoomWriter) {
    this.#writer = writer
    this.#members = new ServerMembershipReader(writer.context.db)
  }

  /**
   * A room that this server is in, for a server that is not banned from it. Throws `M_NOT_FOUND` for rooms that
   * nobody here is in, `M_FORBIDDEN` for banned servers (server-server API, "Server Access Control Lists").
   */
  async resident(origin: string, roomId: string): Promise<RoomHead> {
    const head = await this.#writer.head(roomId)
    return this.#allowed(origin, head?.hasHost(this.#writer.context.serverName) === true ? head : undefined)
  }

  /**
   * A room that is known here, for a server that is in it: what only those may ask. When all users of ours have left, it
   * is those that were in it then: whoever gets our last leave may have to fetch what lies before it, of which we have
   * nothing newer. Throws `M_NOT_FOUND` for unknown rooms, `M_FORBIDDEN` for other servers.
   */
  async member(origin: string, roomId: string): Promise<RoomHead> {
    const head = await this.#allowed(origin, await this.#writer.head(roomId))
    if (!head.hasHost(origin)) throw notInRoom(head)
    return head
  }

  /**
   * The same for a server that was in it, too, up to the event that put its last user out: it was sent that one, and makes nothing of
   * it while it lacks what comes before, of which the room's history visibility hides nothing more from it than when it was in.
   */
  async formerMember(origin: string, roomId: string): Promise<OpenedRoom> {
    const head = await this.#allowed(origin, await this.#writer.head(roomId))
    if (head.hasHost(origin)) return { head, reaches: () => true }
    const stay = await endOfLastStay(this.#writer.context.read, this.#members, head.room.nid, origin)
    if (stay === undefined) throw notInRoom(head)
    const { until, late } = stay
    const reaches: OpenedRoom['reaches'] = ({ position }) =>
      position !== undefined && (position <= until || late.has(position))
    return { head, reaches }
  }

  /** Throws as `member` does where a server may not ask about an event. */
  reached({ head, reaches }: OpenedRoom, stored: Pick<StoredEvent, 'position'>): void {
    if (!reaches(stored)) throw notInRoom(head)
  }

  async #allowed(origin: string, head: RoomHead | undefined): Promise<RoomHead> {
    if (head === undefined) throw new MatrixError('M_NOT_FOUND', 'Nobody on this server is in this room')
    if (!(await this.allows(head, origin))) {
      throw new MatrixError('M_FORBIDDEN', 'Your server is banned from this room')
    }
    return head
  }

  /**
   * Resolves once all members of a room are known, if it was joined without them. Throws
   * `M_UNABLE_DUE_TO_PARTIAL_STATE` (404: others are to be asked) where that takes longer than a server would wait.
   */
  async complete({ partial, room }: RoomHead): Promise<void> {
    if (partial === undefined) return
    if (!(await this.#writer.context.partial.complete(room.nid, PATIENCE_MS))) throw unableToJudge(404)
  }

  /** Throws the same for events the state before which is of a stay that ended before the members were known. */
  whole(head: RoomHead, event: { readonly position: number | undefined }): void {
    if (head.lacksMembersBefore(event)) throw unableToJudge(404)
  }

  /**
   * Whether the room's access control list lets a server take part. One that was redacted is still the room's, and has no
   * content any more: `allow` "defaults to an empty list when not provided, effectively disallowing every server".
   * (That is why our own users may not redact it.)
   */
  async allows(head: RoomHead, server: string): Promise<boolean> {
    const entry = head.entry('m.room.server_acl', '')
    if (entry === undefined) return true
    const [stored] = await this.#writer.context.read.events.byNids([entry.nid])
    if (stored === undefined) return true
    const key = stored.redactedBy === undefined ? entry.nid : -entry.nid
    const acl = this.#acls.get(key) ?? parseServerAcl(contentShown(stored))
    this.#acls.set(key, acl)
    return isServerAllowed(acl, server)
  }
}

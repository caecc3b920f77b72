import type { Log } from '../../core/log.ts'
import { forEachBounded } from '../bounded.ts'
import { isPassing } from '../passing.ts'
import type { Memberships } from './memberships.ts'
import type { RoomsContext } from './room-writer.ts'

const ROOMS_AT_ONCE = 4
/** Pending invitations that are looked at. */
const MAX_INVITATIONS = 10_000

/** Makes users whose accounts are gone leave: rooms are left, invitations declined, knocks taken back. */
export class Departure {
  readonly #context: RoomsContext
  readonly #memberships: Pick<Memberships, 'leave'>
  readonly #log: Log

  constructor(parts: { context: RoomsContext; memberships: Pick<Memberships, 'leave'>; log: Log }) {
    this.#context = parts.context
    this.#memberships = parts.memberships
    this.#log = parts.log
  }

  /**
   * Leaves everything. Rejects if something could not be left for reasons that pass, so that it is tried again; what
   * has been left by then is not left twice.
   */
  async leaveAll(userId: string): Promise<void> {
    const { read, db } = this.#context
    const rows = await read.memberships.ofUser(userId, ['join', 'invite', 'knock'])
    const invitations = await read.invitations.pending(userId, db.position('invites'), MAX_INVITATIONS)
    const roomIds = new Set([...rows.map(row => row.roomId), ...invitations.map(row => row.roomId)])
    await forEachBounded([...roomIds], ROOMS_AT_ONCE, roomId => this.#leave(userId, roomId))
  }

  async #leave(userId: string, roomId: string): Promise<void> {
    try {
      await this.#memberships.leave({ userId, roomId })
    } catch (error) {
      if (isPassing(error)) throw error
      this.#log.info({ room: roomId, user: userId, err: error }, 'a deactivated user could not leave a room')
    }
  }
}

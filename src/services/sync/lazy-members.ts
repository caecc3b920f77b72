import { LRUCache } from 'lru-cache'
import type { StateEntry } from '../../storage/rooms/state.ts'

/** Members remembered as sent, for each device and room; beyond that some are sent once more. */
const MAX_REMEMBERED = 500
const MAX_ROOMS = 50_000

/**
 * Which member events a device has been sent, so that lazy loading need not repeat them ("redundant" members, client-
 * server API, "Lazy-loading room members"). A cache: what is forgotten is sent again.
 */
export class SentMembers {
  readonly #sent = new LRUCache<string, LRUCache<string, number>>({ max: MAX_ROOMS })

  /** Leaves out member events that the device has; remembers the others as sent. */
  withoutRedundant(deviceKey: string, roomNid: number, members: readonly StateEntry[]): StateEntry[] {
    const key = `${roomNid} ${deviceKey}`
    const sent = this.#sent.get(key) ?? new LRUCache<string, number>({ max: MAX_REMEMBERED })
    this.#sent.set(key, sent)
    return members.filter(member => {
      if (sent.get(member.stateKey) === member.nid) return false
      sent.set(member.stateKey, member.nid)
      return true
    })
  }

  /** Forgets what a device was sent of a room, as after a gap. */
  forget(deviceKey: string, roomNid: number): void {
    this.#sent.delete(`${roomNid} ${deviceKey}`)
  }
}

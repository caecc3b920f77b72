import { boundedCache } from '../../core/caches.ts'
import type { Reader, WriteStatement } from '../../storage/database.ts'
import { type GroupEntry, GroupMemberReader, GroupMemberWriter } from '../../storage/push/group-members.ts'
import type { Answer } from '../answer.ts'

/**
 * Knows which group each of a room's listeners is stored to belong to. What notifies a group counts for those who belonged to it
 * then: so before anything is stored for one, it is stored who belongs to it.
 */
export class GroupLedger {
  readonly #read: GroupMemberReader
  readonly #write: GroupMemberWriter
  /** As it is stored, or will be before anything else of the room. */
  readonly #rooms = boundedCache<number, ReadonlyMap<string, number>>('push_audiences')
  /** What the step under way moves, whose statements nobody stores yet: more rooms may speak in one than are kept. */
  readonly #moved = new Map<number, ReadonlyMap<string, number>>()

  constructor(db: Reader) {
    this.#read = new GroupMemberReader(db)
    this.#write = new GroupMemberWriter(db)
  }

  /** What was to be stored may not have been. */
  forget(): void {
    this.#rooms.clear()
    this.#moved.clear()
  }

  /** The statements of the step before have been handed on to be stored. */
  nextStep(): void {
    this.#moved.clear()
  }

  /**
   * What stores that these are the groups of a room's listeners from the event at a position on.
   * @param settled resolves when all that the steps before are to store is
   */
  move(
    place: { readonly roomNid: number; readonly position: number },
    members: ReadonlyMap<string, number>,
    settled: () => Promise<void>,
  ): Answer<WriteStatement[]> {
    const known = this.#rooms.get(place.roomNid) ?? this.#moved.get(place.roomNid)
    return known === members ? [] : this.#moveFrom(known, place, members, settled)
  }

  async #moveFrom(
    known: ReadonlyMap<string, number> | undefined,
    { roomNid, position }: { readonly roomNid: number; readonly position: number },
    members: ReadonlyMap<string, number>,
    settled: () => Promise<void>,
  ): Promise<WriteStatement[]> {
    if (known === undefined) await settled()
    const before = known ?? (await this.#read.open(roomNid))
    const left: string[] = []
    for (const userId of before.keys()) if (before.get(userId) !== members.get(userId)) left.push(userId)
    const entered: GroupEntry[] = []
    for (const [userId, groupId] of members)
      if (before.get(userId) !== groupId) entered.push({ userId, groupId })
    this.#rooms.set(roomNid, members)
    this.#moved.set(roomNid, members)
    return this.#write.move({ roomNid, after: position - 1 }, left, entered)
  }
}

import { type RoomEvent, stateMapKey } from '../../core/event/event.ts'
import { inOrderOf } from '../../services/rooms/judge-outliers.ts'
import { RoomOracle } from '../room-oracle.ts'

/** Whether somebody may see an event; `open` where that depends on what came first at their server. */
export type Verdict = 'seen' | 'hidden' | 'open'

/**
 * Judges what people may see of a room by the rules of the specification ("Room History Visibility"), from nothing but its events: no
 * server is asked for states, positions or stays.
 */
export class SightJudge {
  readonly #events: ReadonlyMap<string, RoomEvent>
  readonly #oracle: RoomOracle
  readonly #stays = new Map<string, readonly string[]>()
  readonly #ancestors = new Map<string, ReadonlySet<string>>()

  /** @param events all of a room's, back to its beginning */
  constructor(events: ReadonlyMap<string, RoomEvent>) {
    this.#events = events
    this.#oracle = new RoomOracle(
      inOrderOf([...events.values()], event => [...event.prevEvents, ...event.authEvents]),
    )
  }

  /**
   * @param isIn whether they are in the room now, by what their server holds
   */
  of(event: RoomEvent, userId: string, { isIn }: { isIn: boolean }): Verdict {
    const visibilities = this.#around(event, 'm.room.history_visibility', '', 'history_visibility')
    const memberships = this.#around(event, 'm.room.member', userId, 'membership')
    const allows = (visibility: unknown, membership: unknown): boolean =>
      visibility === 'world_readable' ||
      membership === 'join' ||
      (visibility === 'invited' && membership === 'invite')
    if (visibilities.some(one => memberships.some(other => allows(one, other)))) return 'seen'
    const isShared = visibilities.some(one => !['world_readable', 'invited', 'joined'].includes(String(one)))
    if (!isShared) return 'hidden'
    if (isIn) return 'seen'
    return this.#wereInLater(event, userId) ? 'open' : 'hidden'
  }

  /** Whether a redaction reaches what it names, as far as that is known. */
  redacts(redaction: RoomEvent): boolean {
    const target = this.#events.get(redaction.redacts ?? '')
    return target !== undefined && this.#oracle.redacts(redaction, target)
  }

  /** What a point of the state says before an event, and after it where the event is what changes that. */
  #around(event: RoomEvent, type: string, stateKey: string, field: string): unknown[] {
    const set = this.#oracle.stateBefore(event.eventId).get(stateMapKey(type, stateKey))
    const before = this.#events.get(set ?? '')?.content[field]
    const isIts = event.type === type && event.stateKey === stateKey
    return isIts ? [before, event.content[field]] : [before]
  }

  /** Whether they are in the room anywhere that does not lie before an event. */
  #wereInLater(event: RoomEvent, userId: string): boolean {
    const before = this.#ancestorsOf(event.eventId)
    return this.#staysOf(userId).some(eventId => !before.has(eventId))
  }

  /** The events behind which they are in the room. */
  #staysOf(userId: string): readonly string[] {
    const key = stateMapKey('m.room.member', userId)
    const isIn = (eventId: string): boolean => {
      const member = this.#oracle.stateAfter(eventId).get(key)
      return this.#events.get(member ?? '')?.content['membership'] === 'join'
    }
    const stays = this.#stays.get(userId) ?? [...this.#events.keys()].filter(isIn)
    this.#stays.set(userId, stays)
    return stays
  }

  #ancestorsOf(eventId: string): ReadonlySet<string> {
    const known = this.#ancestors.get(eventId) ?? this.#oracle.ancestors(eventId)
    this.#ancestors.set(eventId, known)
    return known
  }
}

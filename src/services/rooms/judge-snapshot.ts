import { authorise } from '../../core/auth/authorise.ts'
import { MatrixError } from '../../core/errors.ts'
import { type RoomEvent, stateMapKey } from '../../core/event/event.ts'
import type { RoomVersion } from '../../core/room-versions.ts'
import { type JudgedOutliers, judgeOutliers } from './judge-outliers.ts'
import { addMembersOfAuth } from './partial-members.ts'

/** What a peer hands over when a local user joins: all signatures and hashes checked by the caller. */
export interface RoomSnapshot {
  readonly roomId: string
  readonly version: RoomVersion
  /** The event by which this server enters the room, signed as the room requires. */
  readonly join: RoomEvent
  /** The room state before the join. */
  readonly state: readonly RoomEvent[]
  /** Everything that authorises the state. */
  readonly authChain: readonly RoomEvent[]
  /** The state lacks members: these servers were in the room. */
  readonly partial?: { readonly servers: readonly string[] } | undefined
  /** Ends of the room's graph here, by event ID, that the peer does not have: they stay, beside the join. */
  readonly otherEnds?: readonly string[]
}

/** A snapshot that contradicts itself: `message` says how. */
export class BadSnapshot extends Error {
  override readonly name = 'BadSnapshot'
}

/** A snapshot whose events are judged. */
export interface JudgedSnapshot extends JudgedOutliers {
  /** The state before the join, as far as the rules allow it. */
  readonly state: ReadonlyMap<string, RoomEvent>
}

/**
 * Authorises every event of a snapshot by its own auth events, and the join by the state. Throws `BadSnapshot`, `M_FORBIDDEN` where
 * who is to join is banned by that state.
 */
export const judgeSnapshot = async (snapshot: RoomSnapshot): Promise<JudgedSnapshot> => {
  const { eventId: joinId } = snapshot.join
  const events = [...snapshot.authChain, ...snapshot.state].filter(({ eventId }) => eventId !== joinId)
  const createEvent = events.find(
    ({ type, stateKey, roomId }) => type === 'm.room.create' && stateKey === '' && roomId === snapshot.roomId,
  )
  const { ordered, rejected, awaits } = await judgeOutliers(events, {
    roomId: snapshot.roomId,
    createEvent,
    known: new Map(),
  })
  const stored = new Set(ordered.map(event => event.eventId))
  const state = new Map<string, RoomEvent>()
  for (const event of snapshot.state) {
    const { eventId } = event
    if (event.stateKey === undefined || rejected.has(eventId) || !stored.has(eventId)) continue
    state.set(stateMapKey(event.type, event.stateKey), event)
  }
  if (snapshot.partial !== undefined) addMembersOfAuth(state, snapshot.join, ordered, rejected)
  const lookup = (type: string, stateKey: string) => state.get(stateMapKey(type, stateKey))
  checkVersion(snapshot.version, lookup('m.room.create', ''))
  const refusal = authorise(snapshot.join, { state: lookup, createEvent: lookup('m.room.create', '') })
  if (refusal === undefined) return { ordered, rejected, awaits, state }
  const isBanned = lookup('m.room.member', snapshot.join.sender)?.content['membership'] === 'ban'
  if (isBanned) throw new MatrixError('M_FORBIDDEN', refusal.message)
  throw new BadSnapshot(`the join is not allowed: ${refusal.message}`)
}

/** `m.room.create`: "the version of the room. Defaults to "1" if the key does not exist", whatever the peer has called it. */
const checkVersion = ({ id }: RoomVersion, create: RoomEvent | undefined): void => {
  const named = create?.content['room_version'] ?? '1'
  if (create !== undefined && named !== id) {
    throw new BadSnapshot(`the room is of version ${String(named)}, not of ${id}`)
  }
}

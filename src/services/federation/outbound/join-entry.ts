import type { RoomEvent } from '../../../core/event/event.ts'
import { serverNameOf } from '../../../core/ids.ts'
import type { RoomVersion } from '../../../core/room-versions.ts'

/** What a server has answered to a join, verified. */
export interface JoinEntry {
  readonly server: string
  readonly roomId: string
  readonly version: RoomVersion
  readonly join: RoomEvent
  readonly state: readonly RoomEvent[]
  readonly authChain: readonly RoomEvent[]
  /** The state lacks members. */
  readonly membersOmitted: boolean
  /** Some of the state, or of what authorises it, was not given, or could not be verified. */
  readonly isIncomplete: boolean
  /** The server that let us in, and those that it told to be in the room. */
  readonly servers: readonly string[]
  /** Ends of the room's graph here that the server does not have. */
  readonly otherEnds?: readonly string[]
}

/** Whether an event's auth events are not all among these: it counts for nothing then, nor does what it authorises. */
export const lacksAuthEvents = (events: readonly RoomEvent[]): boolean => {
  const given = new Set(events.map(event => event.eventId))
  return events.some(event => !event.authEvents.every(eventId => given.has(eventId)))
}

/**
 * An answer with all members as one without: what has to be there to talk is all of the state but the members, and what
 * authorises that. The others are stored later.
 */
export const withoutMembers = (entry: JoinEntry): JoinEntry => {
  const { join, state, authChain, server } = entry
  const all = new Map([...authChain, ...state].map(event => [event.eventId, event]))
  const kept = state.filter(event => event.type !== 'm.room.member')
  const needed = new Map<string, RoomEvent>()
  let wave = [join, ...kept]
  while (wave.length > 0) {
    const referred = wave.flatMap(event => event.authEvents.flatMap(eventId => all.get(eventId) ?? []))
    wave = [...new Set(referred)].filter(event => !needed.has(event.eventId))
    for (const event of wave) needed.set(event.eventId, event)
  }
  const servers = new Set([server])
  for (const { type, stateKey, content } of state) {
    if (type === 'm.room.member' && content['membership'] === 'join')
      servers.add(serverNameOf(stateKey ?? ''))
  }
  servers.delete('')
  return {
    ...entry,
    state: kept,
    authChain: [...needed.values()],
    membersOmitted: true,
    servers: [...servers],
  }
}

import { type RoomEvent, type StateLookup, stateMapKey } from '../event/event.ts'
import type { LoadEvent } from './auth-graph.ts'

/** Reads state from among an event's own auth events. Those that are not here, or that `skip` names, are not there. */
export const authEventLookup = (
  event: RoomEvent,
  load: LoadEvent,
  skip: (eventId: string) => boolean = () => false,
): StateLookup => {
  let found: Map<string, RoomEvent> | undefined
  const read = (): Map<string, RoomEvent> => {
    const byKey = new Map<string, RoomEvent>()
    for (const eventId of event.authEvents) {
      const authEvent = skip(eventId) ? undefined : load(eventId)
      if (authEvent?.stateKey === undefined) continue
      byKey.set(stateMapKey(authEvent.type, authEvent.stateKey), authEvent)
    }
    return byKey
  }
  return (type, stateKey) => {
    found ??= read()
    return found.get(stateMapKey(type, stateKey))
  }
}

/** The create event of the event's room: since v12 the room ID names it; before, it is among the auth events. */
export const createEventOf = (event: RoomEvent, load: LoadEvent): RoomEvent | undefined =>
  event.version.auth.createEventImplied
    ? load(`$${event.roomId.slice(1)}`)
    : authEventLookup(event, load)('m.room.create', '')

/** The ID of the power levels event among an event's auth events. */
export const powerLevelsBehind = (event: RoomEvent, load: LoadEvent): RoomEvent | undefined =>
  authEventLookup(event, load)('m.room.power_levels', '')

import type { Database } from '../storage/database.ts'
import { roomReaders } from '../storage/rooms/index.ts'
import type { MadeRoom, MadeRooms } from './synapse-rooms.ts'
import type { SynapseRows } from './synapse-tables.ts'

/** What is here of a room after the import. */
export const reading = async (db: Database, roomId: string) => {
  const read = roomReaders(db)
  const room = await read.rooms.byId(roomId)
  if (room === undefined) throw new Error('the room is not here')
  const all = { after: -Number.MAX_SAFE_INTEGER, upTo: Number.MAX_SAFE_INTEGER, limit: 1_000 }
  const timeline = await read.events.forwards({ roomNid: room.nid, ...all })
  return {
    ...{ read, room, timeline },
    names: timeline.map(({ event }) => nameOf(event.eventId)),
    ends: (await read.rooms.extremities(room.nid)).map(({ eventId }) => nameOf(eventId)).toSorted(),
    state: (await read.state.current(room.nid)).map(({ eventId }) => nameOf(eventId)).toSorted(),
    /** The event of a point of the state before an event. */
    before: async (name: string, type: string, stateKey = '') => {
      const stored = (await read.events.byIds([...timeline.map(({ event }) => event.eventId)])).get(
        timeline.find(({ event }) => nameOf(event.eventId) === name)?.event.eventId ?? '',
      )
      const nid = await read.state.point(room.nid, type, stateKey, (stored?.position ?? 0) - 1)
      const [found] = nid === undefined ? [] : await read.events.byNids([nid])
      return found && nameOf(found.event.eventId)
    },
  }
}

/** What the event was called when it was made. */
export const nameOf = (eventId: string): string => eventId.slice(1, eventId.indexOf('-'))

/** The rows of rooms, one of which ends with these events. */
export const endedAt = (rooms: MadeRooms, room: MadeRoom, ...names: readonly string[]): SynapseRows => {
  room.ends(...names)
  return rooms.rows()
}

import { OutboxWriter } from '../../../storage/federation/outbox-writer.ts'
import { Places } from '../../../storage/synapse/rooms/places.ts'
import type { ImportStep } from '../step.ts'
import { tableStep } from '../table-step.ts'

interface UndeliveredRow {
  readonly destination: string
  readonly room_id: string
  /** The newest event of the room that the server has not got. */
  readonly event_id: string
}

/** What other servers have not got of rooms, since they were away: they get the newest event of each, and ask for the rest. */
export const undeliveredStep: ImportStep = tableStep<UndeliveredRow>({
  name: 'what other servers have not got',
  table: 'destination_rooms',
  query: () => ({
    from: `destination_rooms r JOIN destinations d ON d.destination = r.destination
      JOIN events e ON e.stream_ordering = r.stream_ordering`,
    columns: ['r.destination AS destination', 'r.room_id AS room_id', 'e.event_id AS event_id'],
    key: [
      { column: 'r.destination', name: 'destination' },
      { column: 'r.room_id', name: 'room_id' },
    ],
    where: `d.last_successful_stream_ordering IS NOT NULL
      AND r.stream_ordering > d.last_successful_stream_ordering`,
  }),
  begin: ({ db }, progress) => {
    const places = new Places(db)
    const outbox = new OutboxWriter(db)
    return async rows => {
      const events = await places.events(rows.map(row => row.event_id))
      const pending = rows.flatMap(({ destination: server, event_id: eventId }) => {
        const event = events.get(eventId)
        if (event === undefined || event.position === null) return []
        const { roomNid, position } = event
        return [{ server, roomNid, since: position, newest: position }]
      })
      progress.came('rooms of which other servers lack events', pending.length)
      return outbox.addRooms(pending)
    }
  },
})

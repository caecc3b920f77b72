/**
 * The type of events that tie loose ends (`services/rooms/dummy-events.ts`). They say nothing to people: other servers know them by this
 * type, too, and keep them from clients.
 */
export const DUMMY_TYPE = 'org.matrix.dummy_event'

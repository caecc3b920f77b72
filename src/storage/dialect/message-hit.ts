import type { MessageHit } from '../rooms/message-index.ts'

/** A row of either database's search. */
export interface HitRow {
  event_nid: number
  room_nid: number
  position: number
  sender: string
  score: number
}

export const hitOf = (row: HitRow): MessageHit => ({
  nid: row.event_nid,
  roomNid: row.room_nid,
  position: row.position,
  sender: row.sender,
  score: row.score,
})

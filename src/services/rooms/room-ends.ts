import type { WriteStatement } from '../../storage/database.ts'
import type { RoomHead } from './room-head.ts'
import type { RoomsContext } from './rooms-context.ts'

/** What stores that a head's ends are others than they were `before`. */
export const endStatements = (
  { write }: RoomsContext,
  head: RoomHead,
  before: RoomHead['extremities'],
): WriteStatement[] => {
  const after = head.extremities
  return write.rooms.extremities(head.room.nid, {
    add: nidsBeyond(after, before),
    remove: nidsBeyond(before, after),
  })
}

/** The nids of those of some ends that are none of others, which are nearly always one. */
const nidsBeyond = (ends: RoomHead['extremities'], others: RoomHead['extremities']): number[] => {
  const nids = ends.map(({ nid }) => nid)
  const [only] = others
  if (others.length === 1) return nids.filter(nid => nid !== only?.nid)
  const known = new Set(others.map(({ nid }) => nid))
  return nids.filter(nid => !known.has(nid))
}

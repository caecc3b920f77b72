import type { RelationsPage } from '../services/rooms/room-relations.ts'

/** The response of the three endpoints that list what relates to an event, as JSON text. */
export const relationsBody = ({ chunk, nextBatch, prevBatch, recursionDepth }: RelationsPage): string => {
  const members = [
    `"chunk":[${chunk.join(',')}]`,
    ...(nextBatch === undefined ? [] : [`"next_batch":"${nextBatch}"`]),
    ...(prevBatch === undefined ? [] : [`"prev_batch":"${prevBatch}"`]),
    ...(recursionDepth === undefined ? [] : [`"recursion_depth":${recursionDepth}`]),
  ]
  return `{${members.join(',')}}`
}

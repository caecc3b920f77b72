import { PartialJoin } from './partial-join.ts'
import type { PartialTask } from './partial-task.ts'
import type { RoomHead } from './room-head.ts'
import type { Draft, RoomWriter, Settled } from './room-writer.ts'

/**
 * Takes up again a stay that ended before the room's members were known, now that somebody comes back who can ask for them: the room
 * lacks members as it did. Only the last one, with nothing after it: what came later stands on states of its own.
 *
 * @returns what is to be completed, and the servers that were in the room then; `undefined` where nothing is
 */
export const reopenStay = async (
  writer: RoomWriter,
  roomId: string,
): Promise<(PartialTask & { readonly servers: readonly string[] }) | undefined> =>
  writer.update(roomId, head => reopen(writer, head), { settled: true })

const reopen = async (
  { context: { read, write, serverName } }: RoomWriter,
  head: RoomHead,
): Promise<Draft<Reopened> | Settled<Reopened>> => {
  const { room, partial } = head
  if (partial === undefined && !head.hasUnfinished) return { settled: undefined }
  const last = await read.partial.last(room.nid)
  if (last === undefined) return { settled: undefined }
  const { roomId, joinEventId, joinedAt, servers } = last
  const reopened = { roomId, joinEventId, servers }
  if (partial !== undefined) return { settled: reopened }
  const ends = await read.events.byNids(head.extremities.map(end => end.nid))
  const join = await read.events.byId(joinEventId)
  // Who was put out for what others said stays out.
  const hadLeft = head.entry('m.room.member', join?.event.stateKey ?? '') !== undefined
  const isLast = ends.every(end => head.lacksMembersBefore(end) && (end.position ?? 0) >= joinedAt)
  if (!isLast || !hadLeft) return { settled: undefined }
  head.reopens(PartialJoin.of(last, serverName))
  head.revision += 1
  const statements = write.partial.reopen(room.nid, joinedAt)
  return { statements, nids: [], result: () => reopened, onGuard: async () => undefined }
}

type Reopened = (PartialTask & { readonly servers: readonly string[] }) | undefined

import { MatrixError } from '../../core/errors.ts'
import type { JsonObject } from '../../core/json.ts'
import { type Relation, relationOf } from '../../core/relations.ts'
import type { TransactionKey } from '../../storage/rooms/transactions.ts'
import type { RoomHead } from './room-head.ts'
import type { RoomsContext } from './room-writer.ts'

/** A message about to be sent by a user of this server. */
interface Outgoing {
  readonly sender: string
  readonly type: string
  readonly content: JsonObject
  readonly transaction: TransactionKey
}

/**
 * What servers refuse of their own users' relations, though it would be accepted from others. Called inside the room's
 * queue, so that of two at once one is refused.
 *
 * Throws `M_DUPLICATE_ANNOTATION`; `M_UNKNOWN` (400) for a thread that begins at an event which relates to another.
 */
export const checkRelation = (
  context: RoomsContext,
  head: RoomHead,
  message: Outgoing,
): Promise<void> | undefined => {
  const relation = relationOf({ type: message.type, content: message.content, stateKey: undefined })
  return relation && checkRelationTo(relation, context, head, message)
}

const checkRelationTo = async (
  relation: Relation,
  { read }: RoomsContext,
  head: RoomHead,
  { sender, type, transaction }: Outgoing,
): Promise<void> => {
  const { relType, parentId, key } = relation
  if (relType === 'm.annotation' && key !== undefined) {
    // What is in flight counts too.
    await head.lastCommit
    const isThere = await read.relations.hasAnnotation(head.room.nid, { parentId, sender, type, key })
    // The same request sent again is answered with its event, as always.
    if (!isThere || (await read.transactions.eventOf(transaction)) !== undefined) return
    throw new MatrixError('M_DUPLICATE_ANNOTATION', 'You have reacted with this already')
  }
  if (relType !== 'm.thread') return
  const parent = await read.events.byId(parentId)
  if (parent === undefined || parent.redactedBy !== undefined || parent.roomNid !== head.room.nid) return
  if (relationOf(parent.event) === undefined) return
  throw new MatrixError('M_UNKNOWN', 'A thread cannot begin at an event that relates to another', {
    status: 400,
  })
}

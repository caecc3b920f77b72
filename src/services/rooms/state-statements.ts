import type { RoomEvent } from '../../core/event/event.ts'
import { serverNameOf } from '../../core/ids.ts'
import type { SqlParameter, WriteStatement } from '../../storage/database.ts'
import type { StateDelta } from '../../storage/rooms/state-entry.ts'
import { invitationStatements, withdrawnInvitation } from './invitation-statements.ts'
import { membershipOf, type RoomHead } from './room-head.ts'
import type { RoomsContext } from './room-writer.ts'
import { directoryStatements } from './user-names.ts'

/**
 * Changes the state over time, the projection of memberships, and local users' invitations. Of our own users' joins that come by
 * others, or by the resolution of a conflict, is noted that they are learnt late.
 *
 * @param to.fresh an event among the changes that is not stored yet, and whether it came from others
 */
export const stateStatements = async (
  context: RoomsContext,
  head: RoomHead,
  to: {
    readonly changes: readonly StateDelta[]
    readonly position: SqlParameter
    readonly fresh?: { readonly event: RoomEvent; readonly nid: number; readonly heard: boolean }
  },
): Promise<WriteStatement[]> => {
  const { changes, position, fresh } = to
  if (changes.length === 0) return []
  const { read, write } = context
  head.applyState(changes)
  const statements = write.state.change(head.room.nid, position, changes)
  const members = changes.filter(change => change.type === 'm.room.member')
  if (members.length === 0) return statements
  const others = members.flatMap(({ nid }) => (nid === undefined || nid === fresh?.nid ? [] : nid))
  const events = new Map((await read.events.byNids(others)).map(stored => [stored.nid, stored.event]))
  if (fresh !== undefined) events.set(fresh.nid, fresh.event)
  for (const { stateKey: userId, nid: memberNid } of members) {
    const member = memberNid === undefined ? undefined : events.get(memberNid)
    const membership = member && membershipOf(member)
    const host = serverNameOf(userId)
    const wasIn = head.memberships.get(userId) === 'join'
    head.setMembership(userId, membership)
    if (member === undefined || memberNid === undefined || membership === undefined) {
      statements.push(...write.memberships.end(head.room.nid, [userId], position))
      if (host === context.serverName) statements.push(withdrawnInvitation(context, head, userId))
      continue
    }
    const isOurDoing = memberNid === fresh?.nid && !fresh.heard
    const isLate = host === context.serverName && membership === 'join' && !wasIn && !isOurDoing
    const row = { roomNid: head.room.nid, userId, host, membership, eventNid: memberNid, position }
    statements.push(...write.memberships.set([{ ...row, ...(isLate ? { toldFrom: position } : {}) }]))
    if (membership === 'join') {
      statements.push(...(await directoryStatements(context, userId, member)))
    }
    if (host === context.serverName) {
      statements.push(...(await invitationStatements(context, head, member, membership)))
    }
  }
  return statements
}

import type { RoomEvent } from '../../core/event/event.ts'
import type { WriteStatement } from '../../storage/database.ts'
import type { AuthNode } from '../../storage/rooms/auth-graph.ts'
import type { StoredEvent } from '../../storage/rooms/events.ts'
import { judgeAwaiting } from './judge-awaiting.ts'
import { inOrderOf, judgeOutliers, outlierStatements } from './judge-outliers.ts'
import { tellHere, tellOthers } from './late-redactions.ts'
import { type MemberEvent, memberEventOf } from './member-event.ts'
import { redactionsBefore } from './redaction-effect.ts'
import type { RoomHead } from './room-head.ts'
import type { RoomsContext, RoomWriter } from './room-writer.ts'

/** Events in one commit: the writer thread is never kept from others for long, nor the event loop. */
const CHUNK = 256

/**
 * Stores events of a room that are needed to judge others: its state at a gap, auth chains. Signatures and hashes have
 * been checked by the caller; here each is authorised by its auth events. What is known already stays as it is; events
 * of other rooms, and those whose auth events are neither here nor among the given, are left out. Many are stored in
 * chunks.
 *
 * @returns the member events among those that were stored and accepted now
 *
 * Throws `M_NOT_FOUND` for a room that is not known here.
 */
export const storeOutliers = async (
  writer: RoomWriter,
  roomId: string,
  events: readonly RoomEvent[],
): Promise<MemberEvent[]> => {
  const members: MemberEvent[] = []
  await writer.context.nids.ensure(events.length)
  // Not by their depths: whoever says one that cannot be exceeded has all that come after it say the same.
  const ordered = events.length > CHUNK ? inOrderOf(events, event => event.authEvents) : events
  for (let start = 0; start < ordered.length; start += CHUNK) {
    const stored = await storeFresh(writer, roomId, ordered.slice(start, start + CHUNK))
    for (const one of stored) {
      const member = memberEventOf(one)
      if (member !== undefined) members.push(member)
    }
    const eventIds = stored.map(({ event }) => event.eventId)
    await judgeAwaiting(writer, eventIds)
  }
  return members
}

type Fresh = Pick<StoredEvent, 'nid' | 'generation' | 'event'>

/** Others may be storing the same: the database has to tell what is here. */
const SETTLED = { settled: true } as const

/** Answers those that were stored and accepted. */
const storeFresh = (writer: RoomWriter, roomId: string, events: readonly RoomEvent[]): Promise<Fresh[]> =>
  writer.update<Fresh[]>(
    roomId,
    async head => {
      const { context } = writer
      const ids = new Set(events.flatMap(event => [event.eventId, ...event.authEvents]))
      const known = await context.read.events.byIds([...ids])
      const entry = head.entry('m.room.create', '')
      const [create] = entry === undefined ? [] : await context.read.events.byNids([entry.nid])
      const fresh = events.filter(event => !known.has(event.eventId))
      const judged = await judgeOutliers(fresh, { roomId, createEvent: create?.event, known })
      if (judged.ordered.length === 0) return { settled: [] }
      const { statements, nids, nodes } = await outlierStatements(context, head, judged, known)
      const accepted = judged.ordered.flatMap(event => {
        const node = judged.rejected.has(event.eventId) ? undefined : nodes.get(event.eventId)
        return node === undefined ? [] : { ...nodeOf(node), event }
      })
      const redactions = await redactionsOf(context, head, judged.ordered, nids)
      const late = { roomNid: head.room.nid, nids: redactions.revealed }
      return {
        statements: [...statements, ...redactions.statements, ...tellOthers(context, late)],
        nids: [...nids.values(), ...redactions.revealed],
        result: () => {
          tellHere(context, late)
          return accepted
        },
      }
    },
    SETTLED,
  )

/** What redactions that were here before these events mean for them, and the redactions that are applied. */
const redactionsOf = async (
  context: RoomsContext,
  head: RoomHead,
  fresh: readonly RoomEvent[],
  nids: ReadonlyMap<string, number>,
) => {
  const { read, write } = context
  const named = await read.redactions.named(fresh.map(({ eventId }) => eventId))
  const statements: WriteStatement[] = []
  const revealed: number[] = []
  for (const event of fresh) {
    const nid = nids.get(event.eventId)
    if (nid === undefined || !named.has(event.eventId)) continue
    const found = (await redactionsBefore(context, head, event)).map(redaction => redaction.nid)
    const [by] = found
    if (by === undefined) continue
    statements.push(write.events.redacted([nid], by))
    revealed.push(...found)
  }
  return { statements: [...statements, ...write.events.reveal(revealed)], revealed }
}

const nodeOf = ({ nid, generation }: AuthNode): AuthNode => ({ nid, generation })

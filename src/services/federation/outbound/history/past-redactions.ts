import { redactionAllowed } from '../../../../core/auth/redaction-allowed.ts'
import type { RoomEvent } from '../../../../core/event/event.ts'
import type { SqlParameter, WriteStatement } from '../../../../storage/database.ts'
import { PushActionWriter } from '../../../../storage/push/push-action-writer.ts'
import type { StoredEvent } from '../../../../storage/rooms/events.ts'
import { type PowerEvents, redactedStatements } from '../../../rooms/append.ts'
import { projected } from '../../../rooms/event-projections.ts'
import { tellOthers } from '../../../rooms/late-redactions.ts'
import { redacting, redactionsBefore } from '../../../rooms/redaction-effect.ts'
import type { RoomHead } from '../../../rooms/room-head.ts'
import type { RoomsContext } from '../../../rooms/room-writer.ts'

/** An event that comes as history. */
export interface PastEvent {
  readonly event: RoomEvent
  readonly nid: number
  readonly position: SqlParameter
  readonly rejected: string | undefined
  /** Of a redaction: who had which power before it. */
  readonly powers?: PowerEvents
}

/** What redactions mean for events that come as history, and those among these for events that are here. */
export interface PastRedactions {
  readonly statements: readonly WriteStatement[]
  /** The redactions that redact nothing of what is here: not shown as yet. */
  readonly withheld: ReadonlySet<number>
  /** Other events about which something changes. */
  readonly touched: readonly number[]
}

/** A redaction that may be applied, and whether it was here before. */
interface Redaction {
  readonly nid: number
  readonly waited: boolean
}

/**
 * Redactions and what they redact come in any order (rooms/v3.md, "Handling redactions"): the redaction as history of what is
 * here, or of what comes with it, or what is redacted as history of its redaction. The state at the redaction says whether its
 * sender may. What is not redacted is found from now on.
 */
export const pastRedactions = async (
  context: RoomsContext,
  head: RoomHead,
  placed: readonly PastEvent[],
): Promise<PastRedactions> => {
  const { write } = context
  const redactions = placed.filter(
    ({ event, rejected }) => rejected === undefined && event.redacts !== undefined,
  )
  const statements = redactions.map(({ event, nid }) => write.redactions.insert(event.redacts ?? '', nid))
  const applied: Redaction[] = []
  for (const one of placed) {
    const found = await redactionsOf(context, head, { one, redactions })
    applied.push(...found)
    statements.push(...statementsFor(context, head, one, found[0]))
  }
  const here = await redactedHere(context, head, { placed, redactions })
  applied.push(...here.applied)
  const used = new Set(applied.map(({ nid }) => nid))
  const mayWait = !head.version.redaction.authorisedByAuthRules
  const revealed = applied.flatMap(({ nid, waited }) => (waited ? nid : []))
  const touched = [...revealed, ...here.redacted]
  return {
    statements: [
      ...[...statements, ...write.events.reveal(revealed), ...here.statements],
      ...tellOthers(context, { roomNid: head.room.nid, nids: touched }),
    ],
    withheld: new Set(mayWait ? redactions.flatMap(({ nid }) => (used.has(nid) ? [] : nid)) : []),
    touched,
  }
}

const statementsFor = (
  { write }: RoomsContext,
  head: RoomHead,
  { event, nid, position, rejected }: PastEvent,
  by: Redaction | undefined,
): WriteStatement[] => {
  if (by !== undefined) return [write.events.redacted([nid], by.nid)]
  return rejected === undefined ? projected(write, { nid, roomNid: head.room.nid, event, position }) : []
}

/** The redactions of an event that comes, those first that were here before it. */
const redactionsOf = async (
  context: RoomsContext,
  head: RoomHead,
  { one, redactions }: { one: PastEvent; redactions: readonly PastEvent[] },
): Promise<Redaction[]> => {
  const { event } = one
  const waiting = await redactionsBefore(context, head, event)
  const beside = redactions.filter(redaction => mayRedact(head, redaction, event))
  return [
    ...waiting.map(({ nid }) => ({ nid, waited: true })),
    ...beside.map(({ nid }) => ({ nid, waited: false })),
  ]
}

/** Whether a redaction names an event and may redact it. */
const mayRedact = ({ version }: RoomHead, { event, powers }: PastEvent, target: RoomEvent): boolean =>
  event.redacts === target.eventId &&
  powers !== undefined &&
  redactionAllowed(event, target, { ...powers, version }) === undefined

/** What redactions redact that is not among what comes with them. */
const redactedHere = async (
  context: RoomsContext,
  head: RoomHead,
  { placed, redactions }: { placed: readonly PastEvent[]; redactions: readonly PastEvent[] },
) => {
  const { db, read } = context
  const beside = new Set(placed.map(({ event }) => event.eventId))
  const named = redactions.flatMap(({ event: { redacts } }) =>
    redacts === undefined || beside.has(redacts) ? [] : redacts,
  )
  const applied: Redaction[] = []
  const statements: WriteStatement[] = []
  const targets: StoredEvent[] = []
  for (const target of (await read.events.byIds([...new Set(named)])).values()) {
    if (target.roomNid !== head.room.nid) continue
    // The newest comes first; by the oldest it was redacted.
    const allowed = redactions.filter(one => mayRedact(head, one, target.event)).toReversed()
    applied.push(...allowed.map(({ nid }) => ({ nid, waited: false })))
    const [by] = allowed
    if (by === undefined || target.redactedBy !== undefined) continue
    statements.push(...redacting(context, [target], by.nid).statements)
    targets.push(target)
  }
  const redacted = targets.map(({ nid }) => nid)
  if (redacted.length > 0) {
    const counted = targets.flatMap(({ roomNid, position }) =>
      position !== undefined && position > 0 ? [{ roomNid, position }] : [],
    )
    statements.push(
      ...(await redactedStatements(context, head, redacted)),
      ...new PushActionWriter(db).undo(counted),
    )
  }
  return { applied, statements, redacted }
}

import { redactionAllowed } from '../../core/auth/redaction-allowed.ts'
import { type RoomEvent, stateMapKey } from '../../core/event/event.ts'
import { filesOf } from '../../core/media-references.ts'
import type { WriteStatement } from '../../storage/database.ts'
import type { StoredEvent } from '../../storage/rooms/events.ts'
import type { Answer } from '../answer.ts'
import type { PowerEvents } from './append.ts'
import { asksForRedaction, mayRedactByRemoving, redactedByRemoving } from './redact-on-ban.ts'
import type { RoomHead } from './room-head.ts'
import type { RoomsContext } from './room-writer.ts'

/** What an accepted event means for what is redacted. */
export interface RedactionEffect {
  readonly statements: readonly WriteStatement[]
  /** Other events that it redacts. */
  readonly touched: readonly number[]
  /** One that was waiting for it, and redacts it. */
  readonly redactedBy?: number
  /** The redactions that were waiting for it and may redact it: clients are shown them from now on. */
  readonly revealed?: readonly number[]
  /**
   * It is a redaction that is not applied: "they should not be sent to clients until both the redaction event and the event the
   * redaction affects have been received, and can be validated" (rooms/v3.md, "Handling redactions").
   */
  readonly withheld?: boolean
}

const NOTHING_REDACTED: RedactionEffect = { statements: [], touched: [] }

/**
 * Redactions may arrive before or after what they redact (rooms/v3.md, "Handling redactions"): both orders end with
 * the same event redacted, since it is the state at the redaction that says whether its sender may.
 *
 * @param powers who had which power before the event
 */
export const redactionEffect = (
  context: RoomsContext,
  head: RoomHead,
  placed: Placed,
): Answer<RedactionEffect> =>
  // Of what was made here just now nothing can have been redacted before.
  placed.local && !redacts(placed.event) ? NOTHING_REDACTED : effectOf(context, head, placed)

interface Placed {
  readonly event: RoomEvent
  readonly nid: number
  readonly powers: () => Promise<PowerEvents>
  /** What is not shown redacts nothing, but is redacted: it may be shown some day. */
  readonly shown: boolean
  readonly local: boolean
  /** No redaction of it is stored. */
  readonly unnamed: boolean
}

const redacts = (event: RoomEvent): boolean => event.redacts !== undefined || asksForRedaction(event)

const effectOf = async (context: RoomsContext, head: RoomHead, placed: Placed): Promise<RedactionEffect> => {
  const { event, nid, local, shown, unnamed } = placed
  const own = shown ? await redactedHere(context, head, placed) : NOTHING_REDACTED
  const waiting = local ? [] : await waitingRedactions(context, head, event, unnamed)
  const [redactedBy, ...others] = waiting.map(redaction => redaction.nid)
  if (redactedBy === undefined) return own
  const { events } = context.write
  const revealed = [redactedBy, ...others]
  const statements = [...own.statements, events.redacted([nid], redactedBy), ...events.reveal(revealed)]
  return { ...own, statements, redactedBy, revealed }
}

/** What an event redacts of what is here; a redaction may be redacted itself. */
const redactedHere = async (
  context: RoomsContext,
  head: RoomHead,
  placed: { event: RoomEvent; nid: number; local: boolean; powers: () => Promise<PowerEvents> },
): Promise<RedactionEffect> => {
  const { event, nid, local } = placed
  const { redacts } = event
  if (redacts !== undefined) {
    return redactTarget(context, head, { event, redacts, nid, local, powers: await placed.powers() })
  }
  if (!asksForRedaction(event)) return NOTHING_REDACTED
  const powers = { ...(await placed.powers()), version: head.version }
  return redacting(context, await redactedByRemoving(context, head, { event, powers }), nid)
}

/** Who names an event in thousands of redactions before sending it has the room wait for no more of them than that. */
const MAX_REVEALED = 50

/** The redactions of an event that came before it and may redact it, or the first of them. */
const waitingRedactions = async (
  context: RoomsContext,
  head: RoomHead,
  event: RoomEvent,
  unnamed: boolean,
): Promise<StoredEvent[]> => {
  const found = unnamed ? [] : await redactionsBefore(context, head, event)
  if (found.length > 0) return found
  const removal = await removalOf(context, head, event)
  return removal === undefined ? [] : [removal]
}

/** The redactions that are here of an event that comes after them, and that may redact it, or the first of them. */
export const redactionsBefore = async (
  context: RoomsContext,
  head: RoomHead,
  event: RoomEvent,
): Promise<StoredEvent[]> => {
  const { read } = context
  const found: StoredEvent[] = []
  for (const redaction of await read.events.byNids(await read.redactions.of(event.eventId))) {
    const { rejected, softFailed, roomNid } = redaction
    if (rejected !== undefined || softFailed || roomNid !== head.room.nid) continue
    const powersThen = { ...(await powersBefore(context, redaction)), version: head.version }
    if (redactionAllowed(redaction.event, event, powersThen) === undefined) found.push(redaction)
    if (found.length === MAX_REVEALED) break
  }
  return found
}

/**
 * "Events which are delivered after the kick or ban are … still redacted by servers if the user's *current* membership
 * event has `redact_events: true`" (MSC4293). Coming back is no such event.
 */
const removalOf = async (
  context: RoomsContext,
  head: RoomHead,
  event: RoomEvent,
): Promise<StoredEvent | undefined> => {
  const membership = head.memberships.get(event.sender)
  if (membership !== 'ban' && membership !== 'leave') return undefined
  if (event.type === 'm.room.member' && event.stateKey === event.sender) return undefined
  const entry = head.entry('m.room.member', event.sender)
  const [removal] = entry === undefined ? [] : await context.read.events.byNids([entry.nid])
  if (removal === undefined || !asksForRedaction(removal.event)) return undefined
  const powersThen = { ...(await powersBefore(context, removal)), version: head.version }
  return mayRedactByRemoving(removal.event, powersThen) ? removal : undefined
}

/** Redacts events, and lets go of the files that they show. */
export const redacting = (
  { write, clock }: RoomsContext,
  targets: readonly StoredEvent[],
  by: number,
): RedactionEffect => {
  const nids = targets.map(({ nid }) => nid)
  if (nids.length === 0) return NOTHING_REDACTED
  const files = targets.flatMap(({ event }) =>
    filesOf(event).map(file => ({ ...file, sender: event.sender })),
  )
  const statements = [write.events.redacted(nids, by), ...write.files.release(files, clock.now())]
  return { statements, touched: nids }
}

const redactTarget = async (
  context: RoomsContext,
  head: RoomHead,
  redaction: { event: RoomEvent; redacts: string; nid: number; local: boolean; powers: PowerEvents },
): Promise<RedactionEffect> => {
  const { event, redacts, nid, local, powers } = redaction
  const { read, write } = context
  const remember = write.redactions.insert(redacts, nid)
  const target = await read.events.byId(redacts)
  const isAllowed =
    target !== undefined &&
    target.roomNid === head.room.nid &&
    redactionAllowed(event, target.event, { ...powers, version: head.version }) === undefined
  if (!isAllowed) {
    const withheld = !local && !head.version.redaction.authorisedByAuthRules
    return { statements: [remember], touched: [], withheld }
  }
  if (target.redactedBy !== undefined) return { statements: [remember], touched: [] }
  const applied = redacting(context, [target], nid)
  return { ...applied, statements: [remember, ...applied.statements] }
}

/** Who had which power in the state before a stored event of the timeline. */
const powersBefore = async ({ read }: RoomsContext, stored: StoredEvent): Promise<PowerEvents> => {
  const deltas = new Map(
    (await read.state.delta(stored.nid)).map(delta => [stateMapKey(delta.type, delta.stateKey), delta.nid]),
  )
  const at = async (type: string): Promise<RoomEvent | undefined> => {
    const key = stateMapKey(type, '')
    const position = (stored.position ?? 0) - 1
    const nid = deltas.has(key) ? deltas.get(key) : await read.state.point(stored.roomNid, type, '', position)
    return nid === undefined ? undefined : (await read.events.byNids([nid]))[0]?.event
  }
  return { create: await at('m.room.create'), powerLevels: await at('m.room.power_levels') }
}

/** The events of a room's head that say who has which power. */
export const powerContext = async (read: RoomsContext['read'], head: RoomHead): Promise<PowerEvents> => {
  const nids = ['m.room.create', 'm.room.power_levels'].map(
    type => head.state.get(stateMapKey(type, ''))?.nid,
  )
  const events = await read.events.byNids(nids.filter(nid => nid !== undefined))
  return {
    create: events.find(({ event }) => event.type === 'm.room.create')?.event,
    powerLevels: events.find(({ event }) => event.type === 'm.room.power_levels')?.event,
  }
}

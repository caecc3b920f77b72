import { redactionAllowed } from '../../core/auth/redaction-allowed.ts'
import { type RoomEvent, stateMapKey } from '../../core/event/event.ts'
import { filesOf } from '../../core/media-references.ts'
import type { WriteStatement } from '../../storage/database.ts'
import type { StoredEvent } from '../../storage/rooms/events.ts'
import type { PowerEvents } from './append.ts'
import type { RoomHead } from './room-head.ts'
import type { RoomsContext } from './room-writer.ts'

/** What an accepted event means for what is redacted. */
export interface RedactionEffect {
  readonly statements: readonly WriteStatement[]
  /** Other events that it redacts. */
  readonly touched: readonly number[]
  /** The redaction that was waiting for it. */
  readonly redactedBy?: number
}

const NOTHING_REDACTED: RedactionEffect = { statements: [], touched: [] }

/**
 * Redactions may arrive before or after what they redact (rooms/v3.md, "Handling redactions"): both orders end with
 * the same event redacted, since it is the state at the redaction that says whether its sender may.
 *
 * @param powers who had which power before the event
 */
export const redactionEffect = async (
  context: RoomsContext,
  head: RoomHead,
  placed: {
    event: RoomEvent
    nid: number
    powers: () => Promise<PowerEvents>
    /** What is not shown redacts nothing, but is redacted: it may be shown some day. */
    shown: boolean
    local: boolean
  },
): Promise<RedactionEffect> => {
  const { event, nid, local, shown } = placed
  const { redacts } = event
  // A redaction may be redacted itself.
  const own =
    redacts === undefined || !shown
      ? NOTHING_REDACTED
      : await redactTarget(context, head, { event, redacts, nid, powers: await placed.powers() })
  const waiting = local ? undefined : await waitingRedaction(context, head, event)
  if (waiting === undefined) return own
  const statement = context.write.events.redacted([nid], waiting.nid)
  return { ...own, statements: [...own.statements, statement], redactedBy: waiting.nid }
}

/** The redaction of an event that came before it and may redact it. */
const waitingRedaction = async (
  context: RoomsContext,
  head: RoomHead,
  event: RoomEvent,
): Promise<StoredEvent | undefined> => {
  const { read } = context
  for (const redaction of await read.events.byNids(await read.redactions.of(event.eventId))) {
    const { rejected, softFailed, roomNid } = redaction
    if (rejected !== undefined || softFailed || roomNid !== head.room.nid) continue
    const powersThen = { ...(await powersBefore(context, redaction)), version: head.version }
    if (redactionAllowed(redaction.event, event, powersThen) === undefined) return redaction
  }
  return undefined
}

const redactTarget = async (
  { read, write, clock }: RoomsContext,
  head: RoomHead,
  redaction: { event: RoomEvent; redacts: string; nid: number; powers: PowerEvents },
): Promise<RedactionEffect> => {
  const { event, redacts, nid, powers } = redaction
  const remember = write.redactions.insert(redacts, nid)
  const target = await read.events.byId(redacts)
  const applies =
    target !== undefined &&
    target.roomNid === head.room.nid &&
    target.redactedBy === undefined &&
    redactionAllowed(event, target.event, { ...powers, version: head.version }) === undefined
  if (!applies) return { statements: [remember], touched: [] }
  const { sender } = target.event
  const shown = filesOf(target.event).map(file => ({ ...file, sender }))
  const statements = [remember, write.events.redacted([target.nid], nid)]
  return { statements: [...statements, ...write.files.release(shown, clock.now())], touched: [target.nid] }
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

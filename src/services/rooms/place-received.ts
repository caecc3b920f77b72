import { canonicalJsonAsRead } from '../../core/canonical-json.ts'
import { type RoomEvent, stateMapKey } from '../../core/event/event.ts'
import { generationAfter } from '../../core/state-resolution/auth-graph.ts'
import type { StoredEvent } from '../../storage/rooms/events.ts'
import type { Placement, PowerEvents } from './append.ts'
import { missingBehind, placeOnFork } from './fork-placement.ts'
import type { Judgement } from './judge-event.ts'
import { absentBefore } from './known-events.ts'
import { isReferredTo } from './reconsidering.ts'
import type { RoomHead } from './room-head.ts'
import type { RoomsContext } from './room-writer.ts'
import { entryIn, type StateOverlay } from './state-overlay.ts'

/** The rule by which the room's policy server refuses events. */
export const POLICY = 'policy_server'

/** An event that was received, and what was found out about it. */
export interface JudgedEvent {
  readonly event: RoomEvent
  readonly judgement: Judgement
  /** What it refers to, as far as that is stored. */
  readonly known: ReadonlyMap<string, StoredEvent>
  /** The event itself, if it is stored. */
  readonly self: StoredEvent | undefined
  readonly createEvent: RoomEvent | undefined
  /** No redaction of it is stored. */
  readonly unnamed?: boolean
}

/** How an event that was received enters its room's timeline. */
export const placeReceived = async (
  context: RoomsContext,
  head: RoomHead,
  { event, judgement, known, self, createEvent, unnamed }: JudgedEvent,
): Promise<Placement> => {
  const { before, rejected, softFailed, awaits } = judgement
  const nodes = event.authEvents.flatMap(eventId => known.get(eventId) ?? [])
  const placement: Placement = {
    event,
    json: canonicalJsonAsRead(event.pdu),
    heard: true,
    rejected: rejected?.message,
    softFailed: softFailed !== undefined,
    neverSticky: softFailed?.rule === POLICY,
    outlierNid: self?.nid,
    isWhole: self?.rejected !== undefined && rejected === undefined,
    unnamed: unnamed === true,
    authNodes: new Map(nodes.map(node => [node.event.eventId, node])),
    awaits,
    awaitedBefore: self === undefined ? [] : event.authEvents,
    missingPrevEvents: [...absentBefore(event, head, known), ...(await missingBehind(context, event, known))],
  }
  if (before === undefined) return placement
  const wasMissing = await context.read.rooms.isMissing(head.room.nid, event.eventId)
  const powers = () => powersIn(context, head, { state: before, create: createEvent })
  const forked = { ...placement, wasMissing, delta: [...before.values()], powers }
  if (rejected !== undefined || softFailed !== undefined) return forked
  // Auth events that were missing may be here now.
  if (self?.rejected !== undefined) context.authEdges.delete(head.room.nid)
  const nid = self?.nid ?? context.nids.next()
  const generation = generationAfter(nodes)
  const fillsGap = wasMissing || (self !== undefined && (await isReferredTo(context.read, self)))
  const place = { event, nid, generation, authNodes: nodes, before, fillsGap }
  return { ...forked, nid, ...(await placeOnFork(context, head, place)) }
}

const powersIn = async (
  { read }: RoomsContext,
  head: RoomHead,
  { state, create }: { state: StateOverlay; create: RoomEvent | undefined },
): Promise<PowerEvents> => {
  const nid = entryIn(head, state, stateMapKey('m.room.power_levels', ''))?.nid
  const [powerLevels] = nid === undefined ? [] : await read.events.byNids([nid])
  return { create, powerLevels: powerLevels?.event }
}

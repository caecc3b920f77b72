import type { RoomEvent } from '../../core/event/event.ts'
import { generationAfter } from '../../core/state-resolution/auth-graph.ts'
import type { SqlParameter, WriteStatement } from '../../storage/database.ts'
import type { AuthNode } from '../../storage/rooms/auth-graph.ts'
import type { NewEvent } from '../../storage/rooms/event-writer.ts'
import type { StateDelta } from '../../storage/rooms/state-entry.ts'
import { type Answer, andThen } from '../answer.ts'
import { noteDrafted, noteStored } from './event-notes.ts'
import { projected, unprojected } from './event-projections.ts'
import { powerContext, type RedactionEffect, redactionEffect } from './redaction-effect.ts'
import type { RoomHead } from './room-head.ts'
import { summaryStatements } from './room-summary.ts'
import type { RoomsContext } from './room-writer.ts'
import { stateStatements } from './state-statements.ts'
import { stickyStatements } from './sticky-statements.ts'

/** An event that has been judged, ready to enter the room's timeline. */
export interface Placement {
  readonly event: RoomEvent
  /** The canonical text of the event; a message of ours may lack our signature. */
  readonly json: string
  /** Made here just now: nothing can have referred to it before. */
  readonly local?: boolean
  /** Others have sent it: where it lets one of our users in, the server that made it has told us nothing of it in time. */
  readonly heard?: boolean
  /** The rule that rejected it: kept, so that it is known, but never referred to. */
  readonly rejected?: string | undefined
  /** Allowed where it stands in the graph, but not by the current state: kept, not shown, not referred to. */
  readonly softFailed?: boolean
  /** The room's policy server has refused it, "in which case the stickiness of the event is prevented" (MSC4354). */
  readonly neverSticky?: boolean
  /** The nid of the same event where it is stored already, as an outlier or as rejected. */
  readonly outlierNid?: number | undefined
  /** More may be known of it than is stored: it was kept as rejected, and may have been kept without its content. */
  readonly isWhole?: boolean
  /** No redaction of it is stored. */
  readonly unnamed?: boolean
  /** Its auth events, where the caller has them at hand. */
  readonly authNodes?: ReadonlyMap<string, AuthNode>
  /** Rejected for no other reason than that these auth events are missing, or rejected themselves. */
  readonly awaits?: readonly string[]
  /** Awaited before, and no longer. */
  readonly awaitedBefore?: readonly string[]
  /** What says who has which power before it, where that is not the current state. */
  readonly powers?: () => Promise<PowerEvents>
  /** The nid that the caller has taken for it already. */
  readonly nid?: number
  /** On a fork: how the state before it differs from the room's current state. */
  readonly delta?: readonly StateDelta[]
  /** How the room's current state changes by it; by default what an accepted state event sets. */
  readonly stateChanges?: readonly StateDelta[]
  /** Forward extremities after it; by default the event alone. */
  readonly extremities?: (nid: number) => RoomHead['extremities']
  /** `prev_events` that are not here. */
  readonly missingPrevEvents?: readonly string[]
  /** Something refers to it already. */
  readonly wasMissing?: boolean
  /** Nothing that is here misses it. */
  readonly isUnmissed?: boolean
  /** So many positions stay free before it: something is missing there (`timeline-gaps.ts`). */
  readonly reserved?: number
  /** The position that it has instead of one of those that the stream gives out: it is no news, and comes from where positions are known. */
  readonly at?: number
}

/** The events that say who has which power. */
export interface PowerEvents {
  readonly create: RoomEvent | undefined
  readonly powerLevels: RoomEvent | undefined
}

/** What an appended event needs committed, and what it will be called. */
export interface Appended {
  readonly nid: number
  readonly event: RoomEvent
  /** Counts the events of the write set, from 0. */
  readonly offset: number
  readonly statements: readonly WriteStatement[]
  /** Other events whose cached form changes with the commit: to be forgotten afterwards. */
  readonly touched: readonly number[]
  /** Puts the event's position into the cache, once it is known. */
  readonly settle: (firstPosition: number) => void
}

/** The event, how the state before it differs, and what it waits for. */
const rowStatements = (
  { write, clock }: RoomsContext,
  head: RoomHead,
  { outlierNid, isWhole = false, delta = [], awaitedBefore = [], awaits = [] }: Placement,
  row: NewEvent,
): WriteStatement[] => {
  const isNew = outlierNid === undefined
  const isShown = row.rejected === undefined && row.softFailed !== true && row.withheld !== true
  const inOrder = isNew && isShown && head.entersInOrder(row.event, row.position, clock.now())
  return [
    ...(isNew
      ? write.events.insert([{ ...row, inOrder }])
      : [...write.events.place(row), write.state.clearDelta(row.nid)]),
    ...(isWhole ? [write.events.rewrite(row.nid, row.json)] : []),
    ...write.state.delta(row.nid, delta),
    ...write.awaitingAuth.remove(row.nid, awaitedBefore),
    ...write.awaitingAuth.add(row.nid, awaits),
  ]
}

/** The event is missing no more; what it follows may be. */
const missingStatements = (
  { write }: RoomsContext,
  roomNid: number,
  { event, missingPrevEvents = [], wasMissing = false, isUnmissed = false }: Placement,
  nid: number,
): WriteStatement[] => [
  ...write.rooms.missing(roomNid, {
    add: missingPrevEvents.map(eventId => ({ eventId, by: nid })),
    remove: isUnmissed ? [] : [event.eventId],
  }),
  ...(wasMissing ? [write.gaps.close(roomNid)] : []),
]

/**
 * Puts a judged event into the room's timeline: moves the head and answers the statements that store it; at once where it is a
 * message of ours. Where the room's ends are then is for the caller to write, once for all that it appends (`endStatements`).
 *
 * @param offset counts the events of one write set: the event gets the set's first position plus `offset`, and what is
 *   reserved.
 */
export const append = (
  context: RoomsContext,
  head: RoomHead,
  placement: Placement,
  offset: number,
): Answer<Appended> => {
  const { read } = context
  const { event, rejected, softFailed = false, outlierNid } = placement
  const nid = outlierNid ?? placement.nid ?? context.nids.next()
  const shown = rejected === undefined && !softFailed
  return andThen(authFacts(context, placement), facts => {
    const placed = {
      event,
      nid,
      shown,
      local: placement.local === true,
      powers: placement.powers ?? (() => powerContext(read, head)),
      unnamed: placement.unnamed === true,
    }
    return andThen(redactionEffect(context, head, placed), redaction =>
      enter(context, head, placement, { nid, offset, shown, facts, redaction }),
    )
  })
}

/** What is known of an event that enters the timeline, beside where it stands. */
interface Entering {
  readonly nid: number
  readonly offset: number
  readonly shown: boolean
  readonly facts: AuthFacts
  readonly redaction: RedactionEffect
}

const enter = (
  context: RoomsContext,
  head: RoomHead,
  placement: Placement,
  { nid, offset, shown, facts, redaction }: Entering,
): Answer<Appended> => {
  const { write } = context
  const { event, json, rejected, softFailed = false, outlierNid, reserved = 0 } = placement
  const position: SqlParameter = placement.at ?? { stream: 'events', offset: offset + reserved }
  const roomNid = head.room.nid
  const { authNids, generation } = facts
  const { redactedBy, revealed = [], withheld = false } = redaction
  const row = { nid, roomNid, position, rejected, softFailed, withheld, event, authNids, generation, json }
  const statements = [...rowStatements(context, head, placement, row), ...redaction.statements]
  if (placement.local !== true) statements.push(...missingStatements(context, roomNid, placement, nid))
  if (rejected === undefined && placement.neverSticky !== true)
    statements.push(...stickyStatements(context, roomNid, [{ event, nid, position }], offset))
  const changes = shown ? (placement.stateChanges ?? ownState(event, nid, generation)) : []
  const fresh = { event, nid, heard: placement.heard === true }
  const changed = changes.length === 0 ? NONE : stateStatements(context, head, { changes, position, fresh })
  return andThen(changed, ofState => {
    statements.push(...ofState)
    if (shown) {
      head.setExtremities(
        placement.extremities?.(nid) ?? [{ nid, eventId: event.eventId, depth: event.depth }],
      )
      if (redactedBy === undefined && !withheld)
        statements.push(...projected(write, { nid, roomNid, event, position }))
    }
    const stored = noteDrafted(context, head, row, { redactedBy, isNew: outlierNid === undefined })
    const touched = [...redaction.touched, ...revealed]
    const leavesState = shown && placement.stateChanges === undefined && placement.delta === undefined
    // Where members are lacking, some may come to be known with it.
    const isPlain = leavesState && touched.length === 0 && !withheld && head.partial === undefined
    const settle = (firstPosition: number): void => {
      head.unsettled.delete(event.eventId)
      const stands = placement.at ?? firstPosition + offset + reserved
      noteStored(context, { stored, position: stands, touched, isPlain })
    }
    return andThen(othersStatements(context, head, redaction.touched), ofOthers => {
      statements.push(...ofOthers)
      return { nid, event, offset, statements, touched, settle }
    })
  })
}

/** What an event changes beside itself: what the room is shown by, and the events that it redacts. */
const othersStatements = (
  context: RoomsContext,
  head: RoomHead,
  redacted: readonly number[],
): Answer<readonly WriteStatement[]> =>
  redacted.length === 0 ? summaryStatements(context, head) : redactedStatements(context, head, redacted)

/** Events that are redacted are found no more, and may no longer authorise what they did. */
export const redactedStatements = async (
  context: RoomsContext,
  head: RoomHead,
  redacted: readonly number[],
): Promise<WriteStatement[]> => {
  const { read, write } = context
  head.authorities = new Map()
  const hidden = unprojected(write, await read.events.byNids(redacted))
  return [...hidden, ...(await summaryStatements(context, head, { redacted }))]
}

const NONE: readonly WriteStatement[] = []

/** The auth events that are here, and the generation that follows from them. */
const authFacts = ({ read }: RoomsContext, { event, authNodes }: Placement): Answer<AuthFacts> =>
  authNodes === undefined ? read.authGraph.nodes(event.authEvents).then(factsOf) : factsOf(authNodes)

interface AuthFacts {
  readonly authNids: readonly number[]
  readonly generation: number
}

const factsOf = (authNodes: ReadonlyMap<string, AuthNode>): AuthFacts => {
  const nodes = [...authNodes.values()]
  return { authNids: nodes.map(node => node.nid), generation: generationAfter(nodes) }
}

const ownState = (event: RoomEvent, nid: number, generation: number): StateDelta[] =>
  event.stateKey === undefined
    ? []
    : [{ type: event.type, stateKey: event.stateKey, nid, eventId: event.eventId, generation }]

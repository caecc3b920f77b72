import { redactionAllowed } from '../../core/auth/redaction-allowed.ts'
import { type RoomEvent, stateMapKey } from '../../core/event/event.ts'
import { serverNameOf } from '../../core/ids.ts'
import type { SqlParameter, WriteStatement } from '../../storage/database.ts'
import type { StoredEvent } from '../../storage/rooms/events.ts'
import type { StateDelta } from '../../storage/rooms/state.ts'
import { invitationStatements } from './invitation-statements.ts'
import { membershipOf, type RoomHead } from './room-head.ts'
import { summaryStatements } from './room-summary.ts'
import type { RoomsContext } from './room-writer.ts'

/** An event that has been judged, ready to enter the room's timeline. */
export interface Placement {
  readonly event: RoomEvent
  /** The canonical text of the event. */
  readonly json: string
  /** Made here just now: nothing can have referred to it before. */
  readonly local?: boolean
  /** The rule that rejected it: kept, so that it is known, but never referred to. */
  readonly rejected?: string | undefined
  /** Allowed where it stands in the graph, but not by the current state: kept, not shown, not referred to. */
  readonly softFailed?: boolean
  /** The nid of the same event where it was stored before as an outlier. */
  readonly outlierNid?: number | undefined
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

/**
 * Puts a judged event into the room's timeline: moves the head and answers the statements that store it.
 *
 * @param offset counts the events of one write set: the event gets the set's first position plus `offset`.
 */
export const append = async (
  context: RoomsContext,
  head: RoomHead,
  placement: Placement,
  offset: number,
): Promise<Appended> => {
  const { read, write } = context
  const { event, json, rejected, softFailed = false, outlierNid } = placement
  const nid = outlierNid ?? placement.nid ?? context.nids.next()
  const position: SqlParameter = { stream: 'events', offset }
  const roomNid = head.room.nid
  const shown = rejected === undefined && !softFailed
  const authNids = [...(await read.events.nidsOf(event.authEvents)).values()]
  const statements: WriteStatement[] =
    outlierNid === undefined
      ? write.events.insert([{ nid, roomNid, position, rejected, softFailed, event, authNids, json }])
      : [write.events.place(nid, position, rejected, softFailed)]
  statements.push(...write.state.delta(nid, placement.delta ?? []))

  const redaction = shown ? await redactionStatements(context, head, placement, nid) : NOTHING_REDACTED
  statements.push(...redaction.statements)
  if (placement.local !== true) {
    statements.push(
      ...write.rooms.missing(roomNid, {
        add: (placement.missingPrevEvents ?? []).map(eventId => ({ eventId, by: nid })),
        remove: [event.eventId],
      }),
    )
  }
  if (shown) {
    const changes = placement.stateChanges ?? ownState(event, nid)
    statements.push(...(await stateStatements(context, head, changes, event, nid, position)))
    statements.push(...extremityStatements(context, head, placement, event, nid))
  }
  const stored: StoredEvent = {
    nid,
    roomNid,
    position: undefined,
    rejected,
    softFailed,
    redactedBy: redaction.redactedBy,
    event,
  }
  read.events.remember(stored)
  statements.push(...(await summaryStatements(context, head, { redacted: redaction.touched })))
  const settle = (firstPosition: number): void => {
    read.events.remember({ ...stored, position: firstPosition + offset })
    read.events.forget(redaction.touched)
  }
  return { nid, event, offset, statements, touched: redaction.touched, settle }
}

const ownState = (event: RoomEvent, nid: number): StateDelta[] =>
  event.stateKey === undefined
    ? []
    : [{ type: event.type, stateKey: event.stateKey, nid, eventId: event.eventId }]

const extremityStatements = (
  { write }: RoomsContext,
  head: RoomHead,
  placement: Placement,
  event: RoomEvent,
  nid: number,
): WriteStatement[] => {
  const before = head.extremities
  const after = placement.extremities?.(nid) ?? [{ nid, eventId: event.eventId, depth: event.depth }]
  head.setExtremities(after)
  const kept = new Set(after.map(extremity => extremity.nid))
  const had = new Set(before.map(extremity => extremity.nid))
  return write.rooms.extremities(head.room.nid, {
    add: after.map(extremity => extremity.nid).filter(added => !had.has(added)),
    remove: before.map(extremity => extremity.nid).filter(old => !kept.has(old)),
  })
}

/** Changes the state over time, the projection of memberships, and local users' invitations. */
const stateStatements = async (
  context: RoomsContext,
  head: RoomHead,
  changes: readonly StateDelta[],
  event: RoomEvent,
  nid: number,
  position: SqlParameter,
): Promise<WriteStatement[]> => {
  if (changes.length === 0) return []
  const { read, write } = context
  head.applyState(changes)
  const statements = write.state.change(head.room.nid, position, changes)
  const members = changes.filter(change => change.type === 'm.room.member')
  if (members.length === 0) return statements
  const others = members.flatMap(({ nid: memberNid }) =>
    memberNid === undefined || memberNid === nid ? [] : memberNid,
  )
  const events = new Map((await read.events.byNids(others)).map(stored => [stored.nid, stored.event]))
  events.set(nid, event)
  for (const { stateKey: userId, nid: memberNid } of members) {
    const member = memberNid === undefined ? undefined : events.get(memberNid)
    const membership = member && membershipOf(member)
    head.setMembership(userId, membership)
    if (member === undefined || memberNid === undefined || membership === undefined) {
      statements.push(...write.memberships.remove(head.room.nid, [userId]))
      continue
    }
    const host = serverNameOf(userId)
    statements.push(
      ...write.memberships.set([
        { roomNid: head.room.nid, userId, host, membership, eventNid: memberNid, position },
      ]),
    )
    if (host === context.serverName) {
      statements.push(...(await invitationStatements(context, head, member, membership)))
    }
  }
  return statements
}

interface RedactionEffect {
  readonly statements: readonly WriteStatement[]
  readonly touched: readonly number[]
  readonly redactedBy?: number
}

const NOTHING_REDACTED: RedactionEffect = { statements: [], touched: [] }

/**
 * Redactions may arrive before or after what they redact (rooms/v3.md, "Handling redactions"): both orders end with
 * the same event redacted, if the sender may.
 */
const redactionStatements = async (
  context: RoomsContext,
  head: RoomHead,
  { event, local }: Placement,
  nid: number,
): Promise<RedactionEffect> => {
  if (event.type === 'm.room.redaction' && event.redacts !== undefined) {
    return redactTarget(context, head, event, event.redacts, nid)
  }
  if (local === true) return NOTHING_REDACTED
  const { read, write } = context
  const waiting = await read.events.byNids(await read.redactions.of(event.eventId))
  if (waiting.length === 0) return NOTHING_REDACTED
  const levels = await powerContext(read, head)
  const applied = waiting.find(
    ({ event: redaction, rejected, softFailed, roomNid }) =>
      rejected === undefined &&
      !softFailed &&
      roomNid === head.room.nid &&
      redactionAllowed(redaction, event, { ...levels, version: head.version }) === undefined,
  )
  if (applied === undefined) return NOTHING_REDACTED
  return { statements: [write.events.redacted([nid], applied.nid)], touched: [], redactedBy: applied.nid }
}

const redactTarget = async (
  { read, write }: RoomsContext,
  head: RoomHead,
  event: RoomEvent,
  redacts: string,
  nid: number,
): Promise<RedactionEffect> => {
  const remember = write.redactions.insert(redacts, nid)
  const target = await read.events.byId(redacts)
  const applies =
    target !== undefined &&
    target.roomNid === head.room.nid &&
    target.redactedBy === undefined &&
    redactionAllowed(event, target.event, { ...(await powerContext(read, head)), version: head.version }) ===
      undefined
  if (!applies) return { statements: [remember], touched: [] }
  return { statements: [remember, write.events.redacted([target.nid], nid)], touched: [target.nid] }
}

/** The events of a room's head that say who has which power. */
export const powerContext = async (
  read: RoomsContext['read'],
  head: RoomHead,
): Promise<{ create: RoomEvent | undefined; powerLevels: RoomEvent | undefined }> => {
  const nids = ['m.room.create', 'm.room.power_levels'].map(
    type => head.state.get(stateMapKey(type, ''))?.nid,
  )
  const events = await read.events.byNids(nids.filter(nid => nid !== undefined))
  return {
    create: events.find(({ event }) => event.type === 'm.room.create')?.event,
    powerLevels: events.find(({ event }) => event.type === 'm.room.power_levels')?.event,
  }
}

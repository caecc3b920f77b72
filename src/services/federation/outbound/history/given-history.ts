/** What other servers give of a room's history, as far as it can be verified. */
import type { RoomEvent } from '../../../../core/event/event.ts'
import { parsePdu } from '../../../../core/event/format.ts'
import { eventWithRedactedContent } from '../../../../core/event/signatures.ts'
import { serverNameOf } from '../../../../core/ids.ts'
import type { JsonObject } from '../../../../core/json.ts'
import type { RoomVersion } from '../../../../core/room-versions.ts'
import { FederationError } from '../../../../network/federation-client.ts'
import type { RoomHead } from '../../../rooms/room-head.ts'
import type { OutboundContext } from '../context.ts'
import type { MissingPart } from './missing-part.ts'

const MIN_EVENTS = 20
/** What most servers answer at most. */
const MAX_EVENTS = 100

/** What is asked of a server: at most so many events of a part; times in milliseconds. */
export interface Asked {
  readonly part: MissingPart
  readonly limit: number
  readonly timeoutMs: number
  /** Ends it. */
  readonly signal: AbortSignal
  /** A server that is believed what it says of keys that nobody else tells. */
  readonly vouchedBy: string | undefined
}

/** What a server gives that has no place here yet, by event ID, and why some of it could not be verified. */
export interface GivenHistory {
  readonly all: Map<string, RoomEvent>
  readonly unverified: Map<string, string>
}

/** Asks a server for a part of a room's history. Throws `FederationError`. */
export const givenHistory = async (
  { federation, core, verifyEvents, log }: OutboundContext,
  server: string,
  head: RoomHead,
  ask: Asked,
): Promise<GivenHistory> => {
  const { part, timeoutMs, signal, vouchedBy } = ask
  const { version } = head
  const { roomId } = head.room
  const limit = Math.min(Math.max(ask.limit, MIN_EVENTS), MAX_EVENTS)
  const pdus = await federation.backfill(server, { roomId, from: part.from, limit }, { timeoutMs, signal })
  const all = new Map<string, RoomEvent>()
  const unverified = new Map<string, string>()
  for (const [index, one] of (await verifyEvents(pdus, version, { mayBeOld: true, vouchedBy })).entries()) {
    const event = 'event' in one ? one.event : knownByHash(pdus[index], version)
    if ('refusal' in one) {
      log.debug({ room: roomId, server, reason: one.refusal }, 'history: an event cannot be verified')
      if (event === undefined || all.has(event.eventId)) continue
    }
    if (event === undefined || event.roomId !== roomId || !part.belongs(event)) continue
    // There is nothing before what refers to nothing, and no state: it must not pass for the room's beginning.
    if (event.prevEvents.length === 0 && !isCreateOf(head, event)) continue
    all.set(event.eventId, event)
    if ('refusal' in one) unverified.set(event.eventId, one.refusal)
    else unverified.delete(event.eventId)
  }
  for (const [eventId, { position, event }] of await core.context.read.events.byIds([...all.keys()])) {
    if (position !== undefined) all.delete(eventId)
    // It has been verified before, as what authorises something.
    else if (unverified.delete(eventId)) all.set(eventId, event)
  }
  return { all, unverified }
}

/**
 * What cannot be verified as one server has given it is taken of another, where that gives it signed: anybody can take signatures
 * away. Never throws for what that server does.
 */
export const compare = async (
  context: OutboundContext,
  given: GivenHistory,
  other: string,
  head: RoomHead,
  ask: Asked,
): Promise<void> => {
  try {
    const { all, unverified } = await givenHistory(context, other, head, ask)
    for (const eventId of given.unverified.keys()) {
      const event = unverified.has(eventId) ? undefined : all.get(eventId)
      if (event === undefined) continue
      given.all.set(eventId, event)
      given.unverified.delete(eventId)
    }
  } catch (error) {
    if (!(error instanceof FederationError)) throw error
  }
}

/** Without what could not be verified. */
export const verified = ({ all, unverified }: GivenHistory): Map<string, RoomEvent> =>
  new Map([...all].filter(([eventId]) => !unverified.has(eventId)))

/** The servers whose events could not be verified. */
export const unheardServers = ({ all, unverified }: GivenHistory): Set<string> =>
  new Set(
    [...all].flatMap(([eventId, { sender }]) => (unverified.has(eventId) ? [serverNameOf(sender)] : [])),
  )

/** Whether an event is that by which the room was made, not another that claims to be. */
export const isCreateOf = (head: RoomHead, { eventId }: RoomEvent): boolean =>
  head.entry('m.room.create', '')?.eventId === eventId

/**
 * An event whose signature cannot be verified, where its ID is its hash: by that it is what later events refer to. Nothing is
 * believed of it but what came before it.
 */
const knownByHash = (pdu: JsonObject | undefined, version: RoomVersion): RoomEvent | undefined => {
  if (pdu === undefined || version.format.eventId === 'given') return undefined
  const { unsigned: _, ...bare } = pdu
  const parsed = parsePdu(bare, version, { mayBeOld: true })
  return 'event' in parsed ? eventWithRedactedContent(parsed.event) : undefined
}

import { authEventsFor } from '../../core/auth/auth-events.ts'
import { authorise } from '../../core/auth/authorise.ts'
import { canonicalJson } from '../../core/canonical-json.ts'
import { MatrixError } from '../../core/errors.ts'
import { buildEvent } from '../../core/event/builder.ts'
import { type RoomEvent, type StateLookup, type StatePoint, stateMapKey } from '../../core/event/event.ts'
import { MAX_EVENT_BYTES, MAX_PREV_EVENTS } from '../../core/event/format.ts'
import { fitsBytes, MAX_ID_BYTES } from '../../core/ids.ts'
import type { JsonObject } from '../../core/json.ts'
import type { SigningKey } from '../../core/signing.ts'
import { eventReferences } from './event-references.ts'
import type { RoomHead } from './room-head.ts'
import type { RoomsContext } from './room-writer.ts'

/** What a local user wants to say; everything else about the event follows from the room. */
export interface EventTemplate {
  readonly type: string
  readonly sender: string
  readonly stateKey?: string | undefined
  readonly content: JsonObject
  readonly redacts?: string | undefined
  /** Milliseconds; now, unless an application service masses old messages in. */
  readonly originServerTs?: number | undefined
  readonly unsigned?: JsonObject
}

/**
 * Builds, authorises and signs an event that extends the room's head.
 *
 * Throws `M_FORBIDDEN` with the rule's reason if the room does not allow it, `M_TOO_LARGE` if it breaks a size
 * limit (client-server API, "Size limits").
 */
export const makeLocalEvent = async (
  context: RoomsContext,
  signingKey: SigningKey,
  head: RoomHead,
  template: EventTemplate,
): Promise<{ event: RoomEvent; json: string }> => {
  const { type, sender, stateKey, content, redacts } = template
  checkFieldSizes(template)
  const points = authEventsFor({ type, sender, stateKey, content }, head.version)
  const lookup = await stateLookup(context, head, points)
  const prevEvents = head.extremities.slice(0, MAX_PREV_EVENTS).map(extremity => extremity.eventId)
  const authEvents = points.flatMap(point => head.entry(point.type, point.stateKey)?.eventId ?? [])
  const event = buildEvent(
    {
      version: head.version,
      type,
      sender,
      content,
      prevEvents,
      authEvents,
      depth: head.nextDepth,
      originServerTs: template.originServerTs ?? context.clock.now(),
      references: await eventReferences(context, head.version, [...prevEvents, ...authEvents]),
      ...identifiers(context, head, type),
      ...(stateKey === undefined ? {} : { stateKey }),
      ...(redacts === undefined ? {} : { redacts }),
      ...(template.unsigned === undefined ? {} : { unsigned: template.unsigned }),
    },
    context.serverName,
    signingKey,
  )
  const createEvent = lookup('m.room.create', '')
  const refusal = authorise(event, { state: lookup, createEvent })
  if (refusal !== undefined) throw new MatrixError('M_FORBIDDEN', refusal.message)
  const json = canonicalJson(event.pdu)
  checkEventSize(json)
  return { event, json }
}

/** The event's room ID, which the create event of v12 does not have; and the event ID where the server chooses it. */
const identifiers = (
  { random, serverName }: RoomsContext,
  { version, room }: RoomHead,
  type: string,
): { roomId?: string; eventId?: string } => {
  const implied = version.format.roomIdIsCreateHash && type === 'm.room.create'
  return {
    ...(implied ? {} : { roomId: room.roomId }),
    ...(version.format.eventId === 'given'
      ? { eventId: `$${Buffer.from(random(18)).toString('base64url')}:${serverName}` }
      : {}),
  }
}

/** The state events at these points of a room's head (and its create event), loaded for the synchronous rules. */
export const stateLookup = async (
  { read }: RoomsContext,
  head: RoomHead,
  points: readonly StatePoint[],
): Promise<StateLookup> => {
  const entries = [{ type: 'm.room.create', stateKey: '' }, ...points].flatMap(
    point => head.entry(point.type, point.stateKey) ?? [],
  )
  const events = await read.events.byNids(entries.map(entry => entry.nid))
  const byKey = new Map(
    events.map(({ event }) => [stateMapKey(event.type, event.stateKey ?? ''), event] as const),
  )
  return (type, stateKey) => byKey.get(stateMapKey(type, stateKey))
}

/** Throws `M_TOO_LARGE` if the canonical text of an event is beyond what any server accepts. */
const checkEventSize = (json: string): void => {
  if (!fitsBytes(json, MAX_EVENT_BYTES)) {
    throw new MatrixError('M_TOO_LARGE', `An event may have at most ${MAX_EVENT_BYTES} bytes`)
  }
}

const checkFieldSizes = ({ type, stateKey }: EventTemplate): void => {
  for (const [name, value] of [
    ['type', type],
    ['state_key', stateKey],
  ] as const) {
    if (value !== undefined && !fitsBytes(value, MAX_ID_BYTES)) {
      throw new MatrixError('M_TOO_LARGE', `The ${name} of an event may have at most ${MAX_ID_BYTES} bytes`)
    }
  }
}

import { authEventsFor } from '../../core/auth/auth-events.ts'
import { authorise } from '../../core/auth/authorise.ts'
import { CanonicalJsonError, canonicalJson } from '../../core/canonical-json.ts'
import { MatrixError } from '../../core/errors.ts'
import { type BuiltEvent, buildCanonical, signedLength } from '../../core/event/builder.ts'
import { type RoomEvent, type StateLookup, stateMapKey } from '../../core/event/event.ts'
import { MAX_PREV_EVENTS } from '../../core/event/fields.ts'
import { checkFormat } from '../../core/event/format.ts'
import { boundedSticky } from '../../core/event/stickiness.ts'
import type { JsonObject } from '../../core/json.ts'
import type { SigningKey } from '../../core/signing.ts'
import type { AuthNode } from '../../storage/rooms/auth-graph.ts'
import { type Answer, andThen } from '../answer.ts'
import { eventReferences } from './event-references.ts'
import { stateAfterEnds } from './fork-placement.ts'
import type { Authority, RoomHead } from './room-head.ts'
import type { RoomsContext } from './room-writer.ts'
import { lookupIn, stateEvents, stateLookup } from './state-lookup.ts'
import type { StateOverlay } from './state-overlay.ts'

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
  /** For how long it is to be sticky (MSC4354), in milliseconds. */
  readonly stickyMs?: number | undefined
}

/** An event of ours, not stored yet. */
export interface LocalEvent {
  readonly event: RoomEvent
  /** Its canonical text, as it is stored: messages are signed when they go to another server. */
  readonly json: string
  /** Its auth events, by event ID. */
  readonly authNodes: ReadonlyMap<string, AuthNode>
  /** The state before it, where the room has more ends than an event can refer to; else it extends exactly the head. */
  readonly before: StateOverlay | undefined
}

/** What an event of ours builds on, and what says whether it may. */
interface Ground {
  readonly ends: RoomHead['extremities']
  readonly authority: Authority
  /** The reference hashes of the events that it names, for the versions that want them. */
  readonly references: ReadonlyMap<string, string>
  /** Where the head has more ends than an event can refer to: the state before it, and what authorises it by the head's. */
  readonly fork: { readonly before: StateOverlay; readonly byHead: StateLookup } | undefined
}

/**
 * Builds and authorises an event that extends the room's head; at once where its sender has said something before. State is
 * signed, since a peer that joins wants all of it at once; messages are when somebody looks at their signatures.
 *
 * Throws `M_FORBIDDEN` with the rule's reason if the room does not allow it, `M_TOO_LARGE` if it breaks a size
 * limit (client-server API, "Size limits"), `M_BAD_JSON` if its content has no canonical form, or is none that the
 * auth rules can read.
 */
export const makeLocalEvent = (
  context: RoomsContext,
  signingKey: SigningKey,
  head: RoomHead,
  template: EventTemplate,
): Answer<LocalEvent> =>
  andThen(groundOf(context, head, template), ground => onGround(context, signingKey, head, template, ground))

const groundOf = (context: RoomsContext, head: RoomHead, template: EventTemplate): Answer<Ground> => {
  const ends = head.extremities
  const authority = ends.length > MAX_PREV_EVENTS ? undefined : commonAuthority(head, template)
  if (authority === undefined) return lookedUp(context, head, template)
  return withReferences(context, head, { ends, authority, fork: undefined })
}

const lookedUp = async (context: RoomsContext, head: RoomHead, template: EventTemplate): Promise<Ground> => {
  const ends = head.extremities.slice(0, MAX_PREV_EVENTS)
  const before =
    ends.length === head.extremities.length ? undefined : await stateAfterEnds(context, head, ends)
  const authority = await authorityOf(context, head, template, before)
  const fork = before && { before, byHead: await headLookup(context, head, template) }
  return withReferences(context, head, { ends, authority, fork })
}

const withReferences = (
  context: RoomsContext,
  head: RoomHead,
  { ends, authority, fork }: Omit<Ground, 'references'>,
): Answer<Ground> => {
  const named = [...ends.map(end => end.eventId), ...authority.eventIds]
  return andThen(eventReferences(context, head.version, named), references => ({
    ends,
    authority,
    references,
    fork,
  }))
}

const onGround = (
  context: RoomsContext,
  signingKey: SigningKey,
  head: RoomHead,
  template: EventTemplate,
  { ends, authority, references, fork }: Ground,
): LocalEvent => {
  const { type, sender, stateKey, content, redacts } = template
  const { event, unsignedText } = built(
    {
      version: head.version,
      type,
      sender,
      content,
      prevEvents: ends.map(end => end.eventId),
      authEvents: authority.eventIds,
      depth: head.nextDepth,
      originServerTs: template.originServerTs ?? context.clock.now(),
      references,
      roomId: impliesRoomId(head, type) ? undefined : head.room.roomId,
      eventId: chosenEventId(context, head),
      stateKey,
      redacts,
      stickyMs: boundedSticky(template.stickyMs),
      unsigned: template.unsigned,
    },
    context.serverName,
    signingKey,
  )
  checkOwn(event, signedLength(unsignedText, context.serverName, signingKey))
  if (fork !== undefined || authority.allowed !== type) {
    checkAllowed(event, lookupIn(authority.state))
    if (fork !== undefined) checkAllowed(event, fork.byHead)
    if (isJudgedByType(template)) authority.allowed = type
  }
  const json = stateKey === undefined ? unsignedText : canonicalJson(event.pdu)
  return { event, json, authNodes: authority.nodes, before: fork?.before }
}

const checkAllowed = (event: RoomEvent, state: StateLookup): void => {
  const refusal = authorise(event, { state, createEvent: state('m.room.create', '') })
  if (refusal !== undefined)
    throw new MatrixError(MALFORMED.has(refusal.rule) ? 'M_BAD_JSON' : 'M_FORBIDDEN', refusal.message)
}

/** Where what authorises an event depends on more than its sender. */
const isSpecial = ({ type, stateKey }: EventTemplate): boolean =>
  stateKey !== undefined || type === 'm.room.create' || type === 'm.room.member'

/** What the rules look into: redactions of room versions 1 and 2 by what they redact, levels also where they are no state. */
const LOOKED_INTO: ReadonlySet<string> = new Set(['m.room.redaction', 'm.room.power_levels'])

/**
 * Where the rules ask nothing of an event but who sends it and of what type it is, so that what holds for one holds for the
 * next.
 */
const isJudgedByType = (template: EventTemplate): boolean =>
  !isSpecial(template) && !LOOKED_INTO.has(template.type)

/** What authorises all messages of a sender by the head's state, if that is known. */
const commonAuthority = (head: RoomHead, template: EventTemplate): Authority | undefined =>
  isSpecial(template) ? undefined : head.authorities.get(template.sender)

const authorityOf = async (
  context: RoomsContext,
  head: RoomHead,
  template: EventTemplate,
  before: StateOverlay | undefined,
): Promise<Authority> => {
  const { authorities } = head
  const { type, sender, stateKey, content } = template
  const points = authEventsFor({ type, sender, stateKey, content }, head.version)
  const state = await stateEvents(context, head, points, before)
  const nodes = new Map<string, AuthNode>()
  for (const point of points) {
    const stored = state.get(stateMapKey(point.type, point.stateKey))
    if (stored !== undefined) nodes.set(stored.event.eventId, stored)
  }
  const authority: Authority = { state, nodes, eventIds: [...nodes.keys()], allowed: undefined }
  if (before === undefined && !isSpecial(template)) {
    if (authorities.size >= MAX_AUTHORITIES) authorities.clear()
    authorities.set(sender, authority)
  }
  return authority
}

/** Senders of whom it is kept with a head what authorises them: about a kilobyte each, which the cache of heads does not count. */
const MAX_AUTHORITIES = 10

const headLookup = (
  context: RoomsContext,
  head: RoomHead,
  { type, sender, stateKey, content }: EventTemplate,
): Promise<StateLookup> =>
  stateLookup(context, head, authEventsFor({ type, sender, stateKey, content }, head.version))

/** The auth rules that nobody's rights would help with: "invalid values for keys". */
const MALFORMED: ReadonlySet<string> = new Set([
  'member.format',
  'power_levels.integer',
  'power_levels.unreadable',
  'power_levels.users',
])

/** The create event of v12 does not have its room's ID, which is its own hash. */
const impliesRoomId = ({ version }: RoomHead, type: string): boolean =>
  version.format.roomIdIsCreateHash && type === 'm.room.create'

/** The event's ID, where the server chooses it. */
const chosenEventId = ({ random, serverName }: RoomsContext, { version }: RoomHead): string | undefined =>
  version.format.eventId === 'given'
    ? `$${Buffer.from(random(18)).toString('base64url')}:${serverName}`
    : undefined

/** `buildCanonical`, refusing content that cannot be written as canonical JSON. */
const built = (...parameters: Parameters<typeof buildCanonical>): BuiltEvent => {
  try {
    return buildCanonical(...parameters)
  } catch (error) {
    if (error instanceof CanonicalJsonError)
      throw new MatrixError('M_BAD_JSON', `the event is not canonical JSON: ${error.message}`)
    throw error
  }
}

/**
 * Refuses what no server would accept: the content is a client's, and may hold anything that JSON can.
 *
 * @param ownBytes how long the event is with all its signatures
 */
export const checkOwn = ({ pdu, version, type, stateKey = '' }: RoomEvent, ownBytes: number): void => {
  if (type.includes('\0') || stateKey.includes('\0')) {
    throw new MatrixError('M_INVALID_PARAM', 'Neither the type nor the state key of an event may hold NUL')
  }
  const refusal = checkFormat(pdu, version, { ownBytes })
  if (refusal === undefined) return
  const { rule, message } = refusal
  const errcode =
    rule === 'event-size' ? 'M_TOO_LARGE' : rule === 'canonical-json' ? 'M_BAD_JSON' : 'M_INVALID_PARAM'
  throw new MatrixError(errcode, message)
}

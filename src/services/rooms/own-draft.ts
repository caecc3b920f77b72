import type { RoomEvent } from '../../core/event/event.ts'
import type { SigningKey } from '../../core/signing.ts'
import { generationAfter } from '../../core/state-resolution/auth-graph.ts'
import type { WriteStatement } from '../../storage/database.ts'
import { type Answer, andThen } from '../answer.ts'
import { type Appended, append, type Placement } from './append.ts'
import { placeOnFork } from './fork-placement.ts'
import { type EventTemplate, makeLocalEvent } from './local-event.ts'
import { endStatements } from './room-ends.ts'
import type { RoomHead } from './room-head.ts'
import type { Draft, RoomsContext } from './room-writer.ts'
import type { ClientTransaction } from './sent-transactions.ts'
import type { StateOverlay } from './state-overlay.ts'

/** Beside the event: what is committed with it. */
export interface SendOptions {
  /** The client's transaction: sending it again answers the first event. */
  readonly transaction?: ClientTransaction
  /** Further statements of the same commit; made from the ID of the (last) event where they need it. */
  readonly statements?: readonly WriteStatement[] | ((eventId: string) => readonly WriteStatement[])
  /** Looks at the head before anything is built; throws to refuse. */
  readonly check?: (head: RoomHead) => Promise<void> | void
  /** Send a state event even if the same content is the state already. */
  readonly always?: boolean
}

/** A stored event of ours. */
export interface Sent {
  readonly eventId: string
  readonly event: RoomEvent | undefined
  /** Position in the `events` stream; `undefined` if the event was there before. */
  readonly position: number | undefined
}

/**
 * The write that puts events of ours behind a room's head, each building on the one before; the head is moved forward with them.
 * A single message is mostly answered at once. Throws as `makeLocalEvent`.
 */
export const draftOf = (
  context: RoomsContext,
  signingKey: SigningKey,
  head: RoomHead,
  templates: readonly EventTemplate[],
  options: SendOptions,
): Answer<Draft<Sent[]>> => {
  const before = head.extremities
  const [only] = templates
  const appended: Answer<Appended[]> =
    templates.length === 1 && only !== undefined
      ? andThen(appendOwn(context, signingKey, head, only, 0), one => [one])
      : appendEach(context, signingKey, head, templates)
  return andThen(appended, all => storing(context, head, before, all, options))
}

const appendEach = async (
  context: RoomsContext,
  signingKey: SigningKey,
  head: RoomHead,
  templates: readonly EventTemplate[],
): Promise<Appended[]> => {
  const appended: Appended[] = []
  for (const [offset, template] of templates.entries())
    appended.push(await appendOwn(context, signingKey, head, template, offset))
  return appended
}

const appendOwn = (
  context: RoomsContext,
  signingKey: SigningKey,
  head: RoomHead,
  template: EventTemplate,
  offset: number,
): Answer<Appended> =>
  andThen(makeLocalEvent(context, signingKey, head, template), made => {
    const { event, json, authNodes, before } = made
    const placement = { event, json, authNodes, local: true, extremities: keepingOthers(head, event) }
    if (before === undefined) return append(context, head, placement, offset)
    return forkPlacement(context, head, event, before).then(fork =>
      append(context, head, { event, json, authNodes, local: true, ...fork }, offset),
    )
  })

/** The draft that stores these events, which followed the ends `before`. */
const storing = (
  context: RoomsContext,
  head: RoomHead,
  before: RoomHead['extremities'],
  appended: readonly Appended[],
  options: SendOptions,
): Draft<Sent[]> => {
  const last = appended.at(-1)
  const statements: WriteStatement[] = []
  const nids: number[] = []
  for (const { nid, touched, statements: own } of appended) {
    statements.push(...own)
    nids.push(nid, ...touched)
  }
  statements.push(
    ...endStatements(context, head, before),
    ...statementsBeside(context, options, { id: last?.event.eventId ?? '', nid: last?.nid }),
  )
  return {
    statements,
    nids,
    result: ({ positions: { events: first = 0 } }) =>
      appended.map(({ event, offset, settle }) => {
        settle(first)
        return { eventId: event.eventId, event, position: first + offset }
      }),
  }
}

/** What is committed with the (last) event: its transaction, and what the options ask for. */
export const statementsBeside = (
  { write, clock }: RoomsContext,
  { transaction, statements = [] }: SendOptions,
  made: { readonly id: string; readonly nid: number | undefined },
): WriteStatement[] => [
  ...(transaction === undefined ? [] : [write.transactions.remember(transaction, made, clock.now())]),
  ...(typeof statements === 'function' ? statements(made.id) : statements),
]

/** Where an event stands that leaves ends of the room out. */
const forkPlacement = async (
  context: RoomsContext,
  head: RoomHead,
  event: RoomEvent,
  before: StateOverlay,
): Promise<Partial<Placement>> => {
  const nid = context.nids.next()
  const authNodes = [...(await context.read.authGraph.nodes(event.authEvents)).values()]
  const generation = generationAfter(authNodes)
  const forked = { event, nid, generation, authNodes, before, fillsGap: false }
  return { nid, delta: [...before.values()], ...(await placeOnFork(context, head, forked)) }
}

/** What a local event does not refer to stays an end. */
const keepingOthers =
  (head: RoomHead, event: RoomEvent) =>
  (nid: number): RoomHead['extremities'] => [
    { nid, eventId: event.eventId, depth: event.depth },
    ...head.extremities.filter(extremity => !event.prevEvents.includes(extremity.eventId)),
  ]

import type { RoomEvent } from '../../../core/event/event.ts'
import { stateMapKey } from '../../../core/event/event.ts'
import { generationAfter } from '../../../core/state-resolution/auth-graph.ts'
import type { WriteStatement } from '../../../storage/database.ts'
import type { AuthNode } from '../../../storage/rooms/auth-graph.ts'
import type { StateDelta } from '../../../storage/rooms/state-entry.ts'
import { gathered } from '../../../storage/synapse/rooms/gathered.ts'
import { type Appended, append, type Placement, type PowerEvents } from '../../rooms/append.ts'
import { PartialJoin } from '../../rooms/partial-join.ts'
import type { RoomHead } from '../../rooms/room-head.ts'
import type { RoomsContext } from '../../rooms/room-writer.ts'
import { stateStatements } from '../../rooms/state-statements.ts'
import type { ImportClock } from './import-clock.ts'
import type { PresentStates } from './present-states.ts'
import type { RoomNodes } from './room-nodes.ts'
import type { RoomStates, StatedEvent } from './room-states.ts'
import type { ReadEvent } from './source-event.ts'

/** An event of the timeline as it comes from Synapse. */
export type TimelineEvent = ReadEvent &
  StatedEvent & {
    readonly position: number
    /** Where it stands in the stream of Synapse; negative: it was fetched of the past. */
    readonly stream: number
    /** What it refers to that Synapse does not have. */
    readonly missing: readonly string[]
  }

/** What the draft of a room's events needs. */
export interface RoomParts {
  readonly context: RoomsContext
  readonly clock: ImportClock
  readonly nodes: RoomNodes
  readonly states: RoomStates
  readonly present: PresentStates
  /** The join by which the room was entered whose members are not all known. */
  readonly partialJoin: { readonly joinEventId: string; readonly servers: readonly string[] } | undefined
}

/** How far a room's timeline has come. */
export interface Progressed {
  /** Of the last event that is shown; `undefined` before the first. */
  position: number | undefined
  gaps: number
  /** Something has come while Synapse was in the room. */
  isLive: boolean
}

/** States that differ in no more points are told by these. */
const NEAR = 20

/** Where fewer positions are free, nothing that is missing would find place. */
const GAP = 1_000
/** Of more gaps nothing is remembered but what is missing; as in `timeline-gaps.ts`. */
const MAX_GAPS = 50

/**
 * Appends events of a room to its timeline as Synapse has judged them: nothing is judged anew. The room's state follows them: where
 * the state before an event is another than that after the one before it in the timeline, it changes at a position of its own.
 */
export class RoomDraft {
  readonly #parts: RoomParts
  readonly #head: RoomHead
  readonly #progressed: Progressed
  readonly #unnamed: (eventId: string) => boolean
  readonly #appended: Appended[] = []
  readonly #statements: WriteStatement[] = []

  constructor(
    parts: RoomParts,
    head: RoomHead,
    options: { progressed: Progressed; unnamed: (eventId: string) => boolean },
  ) {
    this.#parts = parts
    this.#head = head
    this.#progressed = options.progressed
    this.#unnamed = options.unnamed
  }

  get statements(): readonly WriteStatement[] {
    return gathered(this.#statements)
  }

  get nids(): number[] {
    return this.#appended.map(({ nid }) => nid)
  }

  /** The draft is stored. */
  settle(): void {
    for (const { settle } of this.#appended) settle(0)
  }

  async add(timed: TimelineEvent): Promise<void> {
    const { context, clock, nodes, states } = this.#parts
    const { event, rejected, softFailed, position } = timed
    clock.is(timed.receivedTs)
    const isShown = rejected === undefined && !softFailed
    const before = await states.before(this.#head.state, timed)
    const authNodes = await nodes.ensure(event.authEvents)
    const self = (await nodes.stored([event.eventId])).get(event.eventId)
    const node = {
      nid: self?.nid ?? context.nids.next(),
      generation: generationAfter([...authNodes.values()]),
    }
    nodes.add(event.eventId, node)
    const stated = isShown ? await this.#follow(timed, before, node) : { delta: before }
    const placement: Placement = {
      ...{ event, json: timed.json, rejected, softFailed, authNodes, at: position },
      ...{ nid: node.nid, outlierNid: self?.nid, unnamed: this.#unnamed(event.eventId) },
      ...{ missingPrevEvents: timed.missing, isUnmissed: true, ...stated },
    }
    const appended = await append(context, this.#head, placement, 0)
    this.#appended.push(appended)
    this.#statements.push(...appended.statements, ...this.#partial(appended, position))
    if (!isShown) return
    this.#statements.push(...this.#gapBefore(timed))
    this.#progressed.position = position
    this.#progressed.isLive ||= timed.stream > 0
  }

  /**
   * Has the room's state follow an event that is part of its timeline. Where Synapse tells how it has resolved branches, that is the
   * room's state, and the event's own differs from it. Else, and where they are far apart, the room's state becomes that of the
   * event, just before it.
   */
  async #follow(
    timed: TimelineEvent,
    before: readonly StateDelta[],
    node: AuthNode,
  ): Promise<Partial<Placement>> {
    const { present, states } = this.#parts
    const { event, stream, position } = timed
    const isPast = stream < 0
    const isFollowed = present.areKnown && (!isPast || this.#progressed.isLive)
    // What a room begins with, and what comes after something that is missing, holds from just before it on.
    const isAfresh = this.#progressed.position === undefined || timed.missing.length > 0
    const isApart = before.length > 0 && isFollowed && !isAfresh && before.length <= NEAR
    if (!isApart) await this.move(before, position - 1)
    const resolved = isFollowed && !isPast ? await states.changed(this.#head.state, present.upTo(stream)) : []
    const powers = (): Promise<PowerEvents> => this.#powersIn(before)
    if (isApart) {
      states.drifted(resolved)
      return { delta: before, stateChanges: resolved, powers }
    }
    const { type, stateKey, eventId } = event
    const own: StateDelta[] = stateKey === undefined ? [] : [{ type, stateKey, eventId, ...node }]
    if (isFollowed && isPast) {
      if (own.length === 0) states.entered(timed)
      return { stateChanges: [] }
    }
    const others = resolved.filter(point => point.eventId !== eventId)
    states.entered(timed, others)
    if (others.length === 0) return {}
    const changes = [...own, ...others]
    return {
      stateChanges: [...new Map(changes.map(one => [stateMapKey(one.type, one.stateKey), one])).values()],
    }
  }

  /** The state becomes another one at a position. */
  async move(difference: readonly StateDelta[], position: number): Promise<void> {
    if (difference.length === 0) return
    const { context } = this.#parts
    this.#statements.push(...(await stateStatements(context, this.#head, { changes: difference, position })))
  }

  /** Something is missing in the middle. */
  #gapBefore({ missing, position }: TimelineEvent): WriteStatement[] {
    const { position: last, gaps } = this.#progressed
    if (missing.length === 0 || last === undefined || gaps >= MAX_GAPS || position - last < GAP) return []
    this.#progressed.gaps += 1
    const { write, clock } = this.#parts.context
    return [write.gaps.open(this.#head.room.nid, { base: last + 1, at: position, openedTs: clock.now() })]
  }

  /** Marks the room as one that lacks members, at the join by which it was entered. */
  #partial({ event, nid }: Appended, joinedAt: number): WriteStatement[] {
    const { partialJoin, context } = this.#parts
    if (partialJoin === undefined || partialJoin.joinEventId !== event.eventId) return []
    const { serverName } = context
    const partial = new PartialJoin({ ...partialJoin, serverName })
    this.#head.partial = partial
    this.#head.wasPartial = true
    const servers = [...partial.servers]
    return [context.write.partial.begin({ roomNid: this.#head.room.nid, joinNid: nid, joinedAt, servers })]
  }

  /** Who had which power in a state that differs so from the head's. */
  async #powersIn(difference: readonly StateDelta[]): Promise<PowerEvents> {
    const changed = new Map(difference.map(delta => [stateMapKey(delta.type, delta.stateKey), delta.nid]))
    const at = async (type: string): Promise<RoomEvent | undefined> => {
      const key = stateMapKey(type, '')
      const nid = changed.has(key) ? changed.get(key) : this.#head.state.get(key)?.nid
      return nid === undefined ? undefined : (await this.#parts.context.read.events.byNids([nid]))[0]?.event
    }
    return { create: await at('m.room.create'), powerLevels: await at('m.room.power_levels') }
  }
}

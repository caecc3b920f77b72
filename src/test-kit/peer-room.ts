import { authEventsFor } from '../core/auth/auth-events.ts'
import { canonicalJson, parseJson } from '../core/canonical-json.ts'
import { buildEvent } from '../core/event/builder.ts'
import { type RoomEvent, stateMapKey } from '../core/event/event.ts'
import { parsePdu } from '../core/event/format.ts'
import { MAX_STICKY_MS } from '../core/event/stickiness.ts'
import { referenceHash } from '../core/hashes.ts'
import { serverNameOf } from '../core/ids.ts'
import type { RoomVersion } from '../core/room-versions.ts'
import { signingKeyFromSeed } from '../core/signing.ts'
import { importRoom } from '../services/rooms/import-room.ts'
import { knownVersion } from './room-builder.ts'
import { readRoomLine } from './room-lines.ts'
import { RoomOracle } from './room-oracle.ts'
import type { TestRooms } from './rooms.ts'

/**
 * A room of other servers, written in lines as in `RoomBuilder`, whose events are whole: what one server sends another.
 * Each event's auth events are taken from the state before it, as it truly is.
 */
export class PeerRoom {
  readonly version: RoomVersion
  readonly #byName = new Map<string, RoomEvent>()
  readonly #key = signingKeyFromSeed('ed25519:peer', new Uint8Array(32).fill(9))
  #oracle = new RoomOracle([])
  #last: RoomEvent | undefined

  constructor(versionId: string, lines: readonly string[]) {
    this.version = knownVersion(versionId)
    this.add(...lines)
  }

  add(...lines: readonly string[]): RoomEvent {
    for (const line of lines) this.#append(line)
    if (this.#last === undefined) throw new Error('no line was given')
    return this.#last
  }

  event(name: string): RoomEvent {
    const event = this.#byName.get(name)
    if (event === undefined) throw new RangeError(`the room has no event ${name}`)
    return event
  }

  events(...names: readonly string[]): RoomEvent[] {
    return names.map(name => this.event(name))
  }

  get roomId(): string {
    return this.event('CREATE').roomId
  }

  nameOf(eventId: string | undefined): string | undefined {
    return [...this.#byName].find(([, event]) => event.eventId === eventId)?.[0]
  }

  /** The events of the state before an event. */
  stateBefore(name: string): RoomEvent[] {
    const ids = this.#oracle.stateBefore(this.event(name).eventId).values()
    return [...ids].flatMap(eventId => this.#oracle.load(eventId) ?? [])
  }

  /** Lets a server in by a join that is one of the lines, as if through `send_join`; also without members. */
  async import(
    { core }: Pick<TestRooms, 'core'>,
    join: string,
    { omitMembers = false, lacking = [] }: { omitMembers?: boolean; lacking?: readonly string[] } = {},
  ): Promise<void> {
    const left = new Set(this.events(...lacking))
    const all = this.stateBefore(join).filter(event => !left.has(event))
    const state = omitMembers ? all.filter(event => event.type !== 'm.room.member') : all
    await importRoom(core.writer, {
      roomId: this.roomId,
      version: this.version,
      join: this.event(join),
      state,
      authChain: omitMembers
        ? this.#authChain([this.event(join), ...state])
        : this.#before(this.event(join)).filter(event => event.stateKey !== undefined),
      ...(omitMembers ? { partial: { servers: ['alice.test'] } } : {}),
    })
  }

  /** What authorises an event and the state before it, and what authorises that. */
  authChainOf(name: string): RoomEvent[] {
    return this.#authChain([this.event(name), ...this.stateBefore(name)])
  }

  #authChain(events: readonly RoomEvent[]): RoomEvent[] {
    const chain = new Map<string, RoomEvent>()
    let wave = events
    while (wave.length > 0) {
      wave = wave.flatMap(event => event.authEvents.flatMap(id => this.#oracle.load(id) ?? []))
      wave = wave.filter(event => !chain.has(event.eventId))
      for (const event of wave) chain.set(event.eventId, event)
    }
    return [...chain.values()]
  }

  #before({ eventId }: RoomEvent): RoomEvent[] {
    return [...this.#oracle.ancestors(eventId)].flatMap(id => this.#oracle.load(id) ?? [])
  }

  #append(line: string): void {
    const { name, type, verb, sender, stateKey, content, prev, auth, originServerTs } = readRoomLine(
      line,
      this.version,
    )
    const before = prev?.map(one => this.event(one).eventId) ?? (this.#last ? [this.#last.eventId] : [])
    const state = this.#oracle.stateAfterAll(before)
    const points = authEventsFor({ type, sender, stateKey, content: content }, this.version)
    const authEvents =
      auth?.map(one => this.event(one).eventId) ??
      points.flatMap(point => state.get(stateMapKey(point.type, point.stateKey)) ?? [])
    const isCreate = type === 'm.room.create'
    const { redacts, ...rest } = content
    const target = type === 'm.room.redaction' ? this.event(String(redacts)).eventId : undefined
    const made = buildEvent(
      {
        version: this.version,
        ...(isCreate && this.version.format.roomIdIsCreateHash ? {} : { roomId: this.#roomId() }),
        type,
        sender,
        stateKey,
        content: target === undefined ? content : rest,
        ...(target === undefined ? {} : { redacts: target }),
        prevEvents: before,
        authEvents,
        depth: 1 + Math.max(0, ...before.map(id => this.#oracle.load(id)?.depth ?? 0)),
        originServerTs: originServerTs ?? Date.UTC(2026, 0, 1) + 1_000 * this.#byName.size,
        eventId: `$${name}:${serverNameOf(sender)}`,
        stickyMs: verb === 'stick' ? MAX_STICKY_MS : undefined,
        references: new Map([...before, ...authEvents].map(id => [id, this.#hashOf(id)])),
      },
      serverNameOf(sender),
      this.#key,
    )
    const parsed = parsePdu(parseJson(canonicalJson(made.pdu)), this.version)
    if ('refusal' in parsed) throw new Error(`${line}: ${parsed.refusal.message}`)
    this.#byName.set(name, parsed.event)
    this.#last = parsed.event
    this.#oracle = new RoomOracle(this.#byName.values())
  }

  #roomId(): string {
    return this.#byName.get('CREATE')?.roomId ?? '!room:alice.test'
  }

  #hashOf(eventId: string): string {
    const event = this.#oracle.load(eventId)
    return event === undefined ? '' : referenceHash(event.pdu, this.version)
  }
}

import { MatrixError } from '../core/errors.ts'
import { addSignature } from '../core/event/builder.ts'
import type { RoomEvent } from '../core/event/event.ts'
import { parsePdu } from '../core/event/format.ts'
import type { JsonObject } from '../core/json.ts'
import { type RoomVersion, roomVersion } from '../core/room-versions.ts'
import { type FederationClient, FederationError } from '../network/federation-client.ts'
import type { RoomCore } from '../services/rooms/index.ts'
import { type EventTemplate, type LocalEvent, makeLocalEvent } from '../services/rooms/local-event.ts'
import { type Received, receiveEvent } from '../services/rooms/receive.ts'
import type { RoomHead } from '../services/rooms/room-head.ts'
import { stateBefore } from '../services/rooms/state-at.ts'

type Membership = 'join' | 'leave' | 'knock'
type Subject = { roomId: string; userId: string }
type Finished = { roomId: string; eventId: string; event: JsonObject }

/** What reached a resident by transactions. */
export interface Arrived {
  readonly event: RoomEvent
  readonly received: Received
}

/**
 * Another homeserver as far as its rooms go: answers the requests of a `FederationClient` out of a `RoomCore`, without
 * a network and without looking at who asks.
 */
export class Resident {
  readonly core: RoomCore
  readonly arrived: Arrived[] = []
  readonly edus: JsonObject[] = []

  constructor(core: RoomCore) {
    this.core = core
  }

  get serverName(): string {
    return this.core.context.serverName
  }

  async make(membership: Membership, { roomId, userId }: Subject) {
    const head = await this.#head(roomId)
    const template = { type: 'm.room.member', sender: userId, stateKey: userId, content: { membership } }
    const { event } = await this.#made(head, template)
    const { hashes: _, signatures: __, ...unsigned } = event.pdu
    return { roomVersion: head.version.id, event: unsigned }
  }

  async #made(head: RoomHead, template: EventTemplate): Promise<LocalEvent> {
    try {
      return await makeLocalEvent(this.core.context, this.core.signingKey, head, template)
    } catch (error) {
      throw refusalOf(this.serverName, error)
    }
  }

  async send({ roomId, event: pdu }: Finished) {
    const head = await this.#head(roomId)
    const event = addSignature(parsed(pdu, head.version), this.serverName, this.core.signingKey)
    const { read } = this.core.context
    const nids = [...head.state.values()].map(entry => entry.nid)
    const state = (await read.events.byNids(nids)).map(stored => stored.event.pdu)
    const authChain = (await read.events.byNids(await read.authGraph.chain(nids))).map(one => one.event.pdu)
    const received = await receiveEvent(this.core.writer, event)
    if (received.outcome !== 'accepted') throw new Error(`not accepted: ${JSON.stringify(received)}`)
    return { event: event.pdu, state, authChain, membersOmitted: false, serversInRoom: head.joinedHosts() }
  }

  invite({ event: pdu, roomVersion: id }: { event: JsonObject; roomVersion: string }): JsonObject {
    const version = roomVersion(id)
    if (version === undefined) throw new Error(`room version ${id}`)
    return addSignature(parsed(pdu, version), this.serverName, this.core.signingKey).pdu
  }

  async transaction(body: string): Promise<ReadonlyMap<string, string>> {
    const { pdus, edus = [] } = JSON.parse(body) as { pdus: JsonObject[]; edus?: JsonObject[] }
    this.edus.push(...edus)
    const errors = new Map<string, string>()
    for (const pdu of pdus) {
      const head = await this.core.writer.head(String(pdu['room_id']))
      if (head === undefined) continue
      const event = parsed(pdu, head.version)
      const received = await receiveEvent(this.core.writer, event)
      this.arrived.push({ event, received })
      if ('reason' in received) errors.set(event.eventId, received.reason)
    }
    return errors
  }

  /** The events `from` and what precedes them, newest first. */
  async backfill({ from, limit }: { from: readonly string[]; limit: number }): Promise<JsonObject[]> {
    const found = new Map<string, JsonObject>()
    let next = [...from]
    while (next.length > 0 && found.size < limit) {
      const events = [...(await this.core.context.read.events.byIds(next)).values()]
        .filter(stored => stored.position !== undefined)
        .toSorted((a, b) => b.event.depth - a.event.depth)
      for (const { event } of events) if (found.size < limit) found.set(event.eventId, event.pdu)
      next = [...new Set(events.flatMap(({ event }) => event.prevEvents))].filter(id => !found.has(id))
    }
    return [...found.values()]
  }

  async stateIds({ eventId }: { eventId: string }) {
    const { read } = this.core.context
    const stored = await read.events.byId(eventId)
    if (stored?.position === undefined) throw notFound(this.serverName)
    const entries = [...(await stateBefore(read, stored)).values()]
    const chain = await read.events.byNids(await read.authGraph.chain(entries.map(entry => entry.nid)))
    return {
      stateIds: entries.map(entry => entry.eventId),
      authChainIds: chain.map(({ event }) => event.eventId),
    }
  }

  async event(eventId: string): Promise<JsonObject> {
    const stored = await this.core.context.read.events.byId(eventId)
    if (stored === undefined) throw notFound(this.serverName)
    return stored.event.pdu
  }

  async #head(roomId: string) {
    const head = await this.core.writer.head(roomId)
    if (head === undefined) throw notFound(this.serverName)
    return head
  }
}

/** A client that reaches these servers, and nobody else; each of its methods can be replaced by a test. */
export const clientOf = (residents: readonly Resident[]): FederationClient => {
  const at = (server: string): Resident => {
    const found = residents.find(resident => resident.serverName === server)
    if (found === undefined) throw new FederationError('unreachable', server, 'nobody is there')
    return found
  }
  const client: Partial<FederationClient> = {
    makeJoin: async (server, subject) => at(server).make('join', subject),
    makeLeave: async (server, subject) => at(server).make('leave', subject),
    makeKnock: async (server, subject) => at(server).make('knock', subject),
    sendJoin: async (server, finished) => at(server).send(finished),
    sendLeave: async (server, finished) => void (await at(server).send(finished)),
    sendKnock: async (server, finished) => (await at(server).send(finished)).state,
    invite: async (server, invite) => at(server).invite(invite),
    sendTransaction: async (server, { body }) => at(server).transaction(body),
    backfill: async (server, ask) => at(server).backfill(ask),
    getStateIds: async (server, ask) => at(server).stateIds(ask),
    getEvent: async (server, eventId) => at(server).event(eventId),
  }
  return client as FederationClient
}

const parsed = (pdu: JsonObject, version: RoomVersion): RoomEvent => {
  const result = parsePdu(pdu, version)
  if ('refusal' in result) throw new Error(result.refusal.message)
  return result.event
}

const notFound = (server: string): FederationError =>
  new FederationError('response', server, 'not known here', { status: 404, errcode: 'M_NOT_FOUND' })

const refusalOf = (server: string, error: unknown): unknown =>
  error instanceof MatrixError
    ? new FederationError('response', server, error.message, { status: error.status, errcode: error.errcode })
    : error

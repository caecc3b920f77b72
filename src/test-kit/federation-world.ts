/** Several whole homeservers in one process that reach each other through their real endpoints and signatures. */
import { randomBytes } from 'node:crypto'
import type { ExecutionContext } from 'ava'
import { canonicalJsonAsRead } from '../core/canonical-json.ts'
import type { RoomEvent } from '../core/event/event.ts'
import { type JsonObject, ownMember } from '../core/json.ts'
import { type Log, silentLog } from '../core/log.ts'
import { verifySignature } from '../core/signing.ts'
import type { RateLimitSettings } from '../http/rate-limit.ts'
import { unlessAborted } from '../network/deadline.ts'
import { transactionBody } from '../network/federation/transactions.ts'
import { createFederationClient, type FederationClient } from '../network/federation-client.ts'
import type { OutboundRequest, OutboundResponse } from '../network/http-client.ts'
import { OutboundError } from '../network/outbound-error.ts'
import {
  createFederation,
  type Federation,
  type FederationOptions,
  type FederationParts,
} from '../services/federation/index.ts'
import type { Services } from '../services/index.ts'
import { createRooms, type RoomServices } from '../services/rooms/index.ts'
import type { EventTemplate } from '../services/rooms/local-event.ts'
import type { Database } from '../storage/database.ts'
import { testDatabase } from './database.ts'
import { eventually } from './eventually.ts'
import type { FakeClock } from './fake-clock.ts'
import type { Interceptor, Transport } from './federation-transport.ts'
import { openTestServer, type TestServer } from './http.ts'
import { httpPort } from './http-port.ts'
import { Life, mortalDatabase } from './mortal.ts'
import { type TestRooms, testRooms } from './rooms.ts'
import { FEDERATION_OPTIONS, serverServerApp } from './server-server-app.ts'

/** One homeserver of the world. */
export interface WorldServer {
  readonly name: string
  readonly core: TestRooms['core']
  readonly clock: FakeClock
  readonly rooms: RoomServices
  readonly federation: Federation
  readonly client: FederationClient
  readonly http: TestServer
  readonly database: Database
  /** What its endpoints use; a test may add what it built itself. */
  readonly services: Partial<Services>
  /** Ends it; another of its name may take its place. */
  stop(): Promise<void>
  /** Ends it in the middle of whatever it does. Nobody gets an answer from it any more, nor does it get one. */
  kill(): Promise<void>
}

export interface WorldServerOptions {
  readonly random?: (size: number) => Uint8Array
  readonly database?: Database
  /** To go on where another server of the name has ended. */
  readonly clock?: FakeClock
  readonly config?: Partial<FederationOptions>
  readonly maxGap?: FederationParts['maxGap']
  /** What is not named is not limited. */
  readonly rateLimits?: RateLimitSettings
  /** Who has an account; everybody if not given. */
  readonly mayBeInvited?: (userId: string) => Promise<boolean>
  /** Of identity servers' keys; by default all are. */
  readonly isKeyValid?: (validityUrl: string, publicKey: string) => Promise<boolean>
}

/** As much of a test as a world needs. */
export type TestScope = Pick<ExecutionContext, 'teardown' | 'log'>

export class FederationWorld {
  readonly servers = new Map<string, WorldServer>()
  readonly #lives = new Map<string, Life>()
  /** Everything that was asked, as `from > to method path`. */
  readonly requests: string[] = []
  intercept: Interceptor = () => undefined
  transport: Transport = (_request, deliver) => deliver()
  readonly #names: string[] = []
  readonly #t: TestScope
  #transactions = 0

  constructor(t: TestScope) {
    this.#t = t
  }

  /** Starts a server of this name. */
  async add(name: string, options: WorldServerOptions = {}): Promise<WorldServer> {
    const life = new Life()
    const database = mortalDatabase(options.database ?? (await testDatabase(this.#t)), life)
    const random = options.random ?? (options.clock === undefined ? undefined : randomBytes)
    const { core, clock } = await testRooms(database, {
      serverName: name,
      seed: this.#seedOf(name),
      ...(options.clock === undefined ? {} : { clock: options.clock }),
      ...(random === undefined ? {} : { random }),
    })
    const client = createFederationClient({
      serverName: name,
      signingKey: core.signingKey,
      discovery: {
        resolve: async server => ({ candidates: [], hostHeader: server, tlsServerName: server }),
      },
      http: httpPort(request => life.lived(() => this.#carry(name, request))),
    })
    const { mayBeInvited = async () => true, isKeyValid = async () => true } = options
    const federation = createFederation({
      core,
      config: { ...FEDERATION_OPTIONS, ...options.config },
      maxGap: options.maxGap,
      // A fake clock does not wait for threads.
      checkSignature: verifySignature,
      ...{ database, clock, client, mayBeInvited, log: silentLog, version: '0' },
      identityServers: { isKeyValid },
    })
    const rooms = createRooms(core, {
      profile: async userId => ({ displayname: userId.slice(1).split(':')[0] ?? '' }),
      remote: federation.remote,
      queryRemoteAlias: federation.queryAlias,
      fetchHistory: federation.fetchHistory,
      defaultRoomVersion: '12',
      log: silentLog,
    })
    const services: Partial<Services> = { ...rooms, federation }
    const log: Log = { ...silentLog, error: fields => this.#t.log(fields) }
    const { rateLimits = {} } = options
    const http = await openTestServer(serverServerApp({ services, federation, log, clock, rateLimits }))
    let stopped: Promise<unknown> | undefined
    const stop = async (): Promise<void> => {
      stopped ??= http.close().then(() => federation.close())
      await stopped
    }
    const kill = async (): Promise<void> => {
      life.end()
      this.servers.delete(name)
      stopped ??= http.close()
      await stopped
    }
    const server = { name, core, clock, rooms, federation, client, http, database, services, stop, kill }
    this.servers.set(name, server)
    this.#lives.set(name, life)
    this.#t.teardown(stop)
    return server
  }

  /** Each name has a key of its own, also after a restart. */
  #seedOf(name: string): number {
    const index = this.#names.indexOf(name)
    return 10 + (index === -1 ? this.#names.push(name) - 1 : index)
  }

  /** Sends events in one transaction; answers what was refused. Resolves once they are part of their rooms. */
  async send(
    from: WorldServer,
    to: WorldServer,
    events: readonly (RoomEvent | JsonObject)[],
    txnId = `txn-${++this.#transactions}`,
  ): Promise<ReadonlyMap<string, string>> {
    const body = transactionBody({
      origin: from.name,
      originServerTs: from.clock.now(),
      pdus: events.map(event => canonicalJsonAsRead(isEvent(event) ? event.pdu : event)),
      edus: [],
    })
    const refused = await from.client.sendTransaction(to.name, { txnId, body })
    await to.federation.idle()
    return refused
  }

  async #carry(from: string, request: OutboundRequest): Promise<OutboundResponse> {
    const to = request.target.hostHeader
    const path = decodeURIComponent(request.path.split('?')[0] ?? '')
    this.requests.push(`${from} > ${to} ${request.method} ${path}`)
    const answer = this.intercept({
      ...{ from, to, path },
      method: request.method,
      ...(request.body === undefined ? {} : { body: request.body }),
    })
    const server = this.servers.get(to)
    const end = this.#lives.get(to)?.ended
    if (answer === 'unreachable' || server === undefined)
      throw new OutboundError('unreachable', 'nobody is there')
    if (answer !== undefined) {
      return { status: answer.status, headers: {}, body: Buffer.from(JSON.stringify(answer.json)) }
    }
    const carried = this.transport({ from, to, path, method: request.method }, async () => {
      const answered = server.http.request(request.method, request.path, request)
      answered.catch(() => undefined)
      const response = await Promise.race([answered, end])
      if (response === undefined) throw new OutboundError('unreachable', 'it fell silent')
      return { status: response.status, headers: {}, body: response.bytes }
    })
    return unlessAborted(carried, request.signal)
  }
}

const isEvent = (event: RoomEvent | JsonObject): event is RoomEvent =>
  ownMember(event as JsonObject, 'pdu') !== undefined

/** Lets a user say something; answers the event. */
export const say = (server: WorldServer, userId: string, roomId: string, body: string): Promise<RoomEvent> =>
  sent(server, roomId, {
    type: 'm.room.message',
    sender: userId,
    content: { body, msgtype: 'm.text' },
  })

/** Sets state in the name of a user; answers the event. */
export const setState = (
  server: WorldServer,
  userId: string,
  roomId: string,
  state: { type: string; stateKey?: string; content: JsonObject },
): Promise<RoomEvent> => sent(server, roomId, { stateKey: '', ...state, sender: userId })

const sent = async ({ core }: WorldServer, roomId: string, template: EventTemplate): Promise<RoomEvent> => {
  const { event } = await core.sender.send(roomId, template)
  if (event === undefined) throw new Error('nothing was sent')
  return event
}

/** The bodies of the messages that a server shows in a room, oldest first. */
export const messagesOf = async ({ core }: WorldServer, roomId: string): Promise<unknown[]> => {
  const { events, rooms } = core.context.read
  const room = await rooms.byId(roomId)
  const all = await events.forwards({ roomNid: room?.nid ?? 0, after: 0, upTo: 1e9, limit: 1_000 })
  return all.flatMap(({ event }) => (event.type === 'm.room.message' ? [event.content['body']] : []))
}

/**
 * Resolves once an event that was sent elsewhere is in the timeline of a server, and what follows its streams knows that
 * there is more: what is stored can be read a moment before that.
 */
export const arrived = ({ core }: WorldServer, eventId: string): Promise<void> =>
  eventually(`${eventId} has arrived`, async () => {
    const position = (await core.context.read.events.byId(eventId))?.position
    return position !== undefined && core.context.db.position('events') >= position
  })

/** The event of the current state at a point. */
export const stateAt = async (
  { core }: WorldServer,
  roomId: string,
  type: string,
  stateKey = '',
): Promise<RoomEvent | undefined> => {
  const nid = (await core.writer.head(roomId))?.entry(type, stateKey)?.nid
  return nid === undefined ? undefined : (await core.context.read.events.byNids([nid]))[0]?.event
}

/** A server that sends to others, which take its transactions unless they are down. */
import type { ExecutionContext } from 'ava'
import { addSignature } from '../core/event/builder.ts'
import { parsePdu } from '../core/event/format.ts'
import { contentHash } from '../core/hashes.ts'
import type { JsonObject } from '../core/json.ts'
import { silentLog } from '../core/log.ts'
import { signingKeyFromSeed } from '../core/signing.ts'
import { type FederationClient, FederationError } from '../network/federation-client.ts'
import { FederationSender, type SenderOptions } from '../services/federation/outbound/sender/sender.ts'
import { createMetrics } from '../services/metrics/index.ts'
import { receiveEvent } from '../services/rooms/receive.ts'
import type { Database } from '../storage/database.ts'
import { OutboxReader } from '../storage/federation/outbox-reader.ts'
import { testDatabase } from './database.ts'
import { eventually } from './eventually.ts'
import { type FederatedServer, federatedServer } from './outbound.ts'
import { Resident } from './resident.ts'
import { newRoom, requesterOf } from './rooms.ts'

export const ALICE = '@alice:here.test'
export const MINUTE = 60_000

export interface Sent {
  readonly server: string
  readonly pdus: readonly JsonObject[]
  readonly edus: readonly JsonObject[]
  readonly txnId: string
}

/** Other servers that take transactions, unless they are down. */
export class Peers {
  readonly sent: Sent[] = []
  readonly attempts: string[] = []
  readonly txnIds: string[] = []
  /** Transactions that hold this text are refused. */
  poison: string | undefined
  readonly down = new Map<string, FederationError | 'hangs'>()
  inFlight = 0
  mostInFlight = 0

  readonly client: FederationClient = {
    sendTransaction: async (
      server: string,
      { body, txnId }: { body: string; txnId: string },
      { signal }: { signal: AbortSignal },
    ) => {
      this.attempts.push(server)
      this.txnIds.push(txnId)
      this.inFlight += 1
      this.mostInFlight = Math.max(this.mostInFlight, this.inFlight)
      try {
        const trouble = this.down.get(server)
        if (trouble instanceof FederationError) throw trouble
        if (this.poison !== undefined && body.includes(this.poison)) throw refused(server)
        if (trouble === 'hangs') {
          await new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)))
        }
        await this.held.get(server)?.promise
        const { pdus, edus = [] } = JSON.parse(body)
        this.sent.push({ server, pdus, edus, txnId })
        return new Map()
      } finally {
        this.inFlight -= 1
      }
    },
  } as unknown as FederationClient

  readonly held = new Map<string, PromiseWithResolvers<void>>()

  /** Lets a server answer only when the promise is resolved; requests that come from then on are answered at once. */
  hold(server: string): PromiseWithResolvers<void> {
    const hold = Promise.withResolvers<void>()
    this.held.set(server, hold)
    return hold
  }

  /** The bodies of the messages that a server has got, in order. */
  messages(server: string): unknown[] {
    return this.sent
      .filter(one => one.server === server)
      .flatMap(one => one.pdus)
      .flatMap(pdu => (pdu['content'] as JsonObject)['body'] ?? [])
  }

  edus(server: string): unknown[] {
    return this.sent.filter(one => one.server === server).flatMap(one => one.edus.map(edu => edu['content']))
  }
}

export const refused = (server: string) =>
  new FederationError('response', server, 'no', { status: 400, errcode: 'M_BAD_JSON' })

export const unreachable = (server: string) => new FederationError('unreachable', server, 'down')

export interface World {
  readonly here: FederatedServer
  readonly peers: Peers
  build(options?: SenderOptions, onSetAside?: (kind: string) => void): FederationSender
  /** Starts a sender as a process would; `stop` ends it as if the process had gone. */
  run(
    options?: SenderOptions,
    onSetAside?: (kind: string) => void,
  ): Promise<{ sender: FederationSender; stop(): Promise<void> }>
  readonly outbox: OutboxReader
}

export const world = async (t: ExecutionContext, database?: Database): Promise<World> => {
  const peers = new Peers()
  const db = database ?? (await testDatabase(t))
  const here = await federatedServer(db, { federation: peers.client, keys: new Map() })
  const build: World['build'] = (options = {}, onSetAside = () => undefined) => {
    const { core, clock } = here
    const sender = new FederationSender(
      {
        core,
        clock,
        federation: peers.client,
        verifyEvents: async () => [],
        permits: server => server !== 'denied.test',
        log: silentLog,
        metrics: { ...createMetrics({ process: false }).federation, setAside: onSetAside },
      },
      options,
    )
    t.teardown(() => sender.close())
    return sender
  }
  const run: World['run'] = async (options, onSetAside) => {
    const sender = build(options, onSetAside)
    await sender.start()
    return { sender, stop: () => sender.close() }
  }
  return { here, peers, build, run, outbox: new OutboxReader(db) }
}

/** A room of Alice's. */
export const makeRoom = ({ here }: World): Promise<string> =>
  here.rooms.roomCreation.create(newRoom(here.rooms, ALICE, { preset: 'public_chat' }), { isDirect: false })

/** Lets a user of another server change their membership, as if their server had sent the event. */
export const remoteMember = async ({ here }: World, roomId: string, userId: string, membership = 'join') => {
  const resident = new Resident(here.core)
  const { event } = await resident.make(membership as 'join', { roomId, userId })
  const head = await here.core.writer.head(roomId)
  const hashed = { ...event, hashes: { sha256: contentHash(event) }, signatures: {} }
  const parsed = head === undefined ? undefined : parsePdu(hashed, head.version)
  if (parsed === undefined || 'refusal' in parsed) throw new Error('no event')
  const key = signingKeyFromSeed('ed25519:x', new Uint8Array(32).fill(9))
  const received = await receiveEvent(here.core.writer, addSignature(parsed.event, 'x', key))
  if (received.outcome !== 'accepted') throw new Error(received.outcome)
}

/** Resolves once it is noted of all events that are stored now who is to get them. */
export const distributed = ({ here, outbox }: World): Promise<void> => {
  const position = here.core.context.db.position('events')
  return eventually('it is noted who gets what', async () => (await outbox.distributed()) >= position)
}

let count = 0
export const say = ({ here }: World, roomId: string, body: string, stickyMs?: number) =>
  here.rooms.sending.message(requesterOf(ALICE), {
    ...{ roomId, stickyMs },
    type: 'm.room.message',
    txnId: `t${count++}`,
    content: { body },
  })

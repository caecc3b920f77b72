/** A policy server with one rule, for trials: a peer of the test kit, whose user is in a room and may speak there. */
import { randomBytes } from 'node:crypto'
import { canonicalJson } from '../src/core/canonical-json.ts'
import { buildEvent } from '../src/core/event/builder.ts'
import type { RoomEvent } from '../src/core/event/event.ts'
import { parsePdu } from '../src/core/event/format.ts'
import { eventIdOf, signedText } from '../src/core/hashes.ts'
import type { JsonObject } from '../src/core/json.ts'
import { POLICY_KEY_ID } from '../src/core/policy-server.ts'
import { type RoomVersion, roomVersions } from '../src/core/room-versions.ts'
import { signingKeyFromSeed } from '../src/core/signing.ts'
import { transactionBody } from '../src/network/federation/transactions.ts'
import { completeTemplate, knownVersion } from '../src/services/federation/outbound/handshake-event.ts'
import { createTestNetwork, type TestNetwork } from '../src/test-kit/federation.ts'
import { type PeerRequest, ScriptedPeer } from '../src/test-kit/https-server.ts'

/** Events with this word in their content are refused, … */
export const FORBIDDEN_WORD = 'coffee'
/** … as `M_FORBIDDEN` with this text. */
export const REFUSAL = 'There is no coffee in this room'

export interface PolicyServer {
  /** What the room names it by in `m.room.policy`. */
  readonly named: JsonObject
  /** How often it was asked about an event. */
  timesAsked(eventId: string): number
  /** Its user says something, which it tells some servers without having asked itself. Answers the event's ID. */
  say(servers: readonly string[], body: string): Promise<string>
  /** Goes away for good. */
  close(): Promise<void>
}

/** The room as the policy server met it. It follows no room. */
interface Room {
  readonly roomId: string
  readonly version: RoomVersion
  readonly userId: string
  /** What lets its user speak. */
  readonly authEvents: readonly string[]
}

const parsed = (pdu: JsonObject, version: RoomVersion): RoomEvent => {
  const result = parsePdu(pdu, version)
  if ('event' in result) return result.event
  throw new Error(result.refusal.message)
}

/** What a server prepares for who wants to join a room: it says where the room is. */
const templateOf = ({ federation, serverName }: TestNetwork, server: string, roomId: string) =>
  federation.makeJoin(server, {
    roomId,
    userId: `@policy:${serverName}`,
    versions: [...roomVersions.keys()],
  })

const joinRoom = async (network: TestNetwork, server: string, roomId: string): Promise<Room> => {
  const { serverName, signingKey } = network
  const template = await templateOf(network, server, roomId)
  const version = knownVersion(template.roomVersion)
  const own = { serverName, signingKey, version, content: {}, now: Date.now(), random: randomBytes }
  const { eventId, pdu, sender } = completeTemplate(template.event, own)
  const finished = { roomId, eventId, event: pdu, omitMembers: false }
  const { state } = await network.federation.sendJoin(server, finished)
  const types = ['m.room.power_levels', ...(version.format.roomIdIsCreateHash ? [] : ['m.room.create'])]
  const allowing = state.filter(event => types.includes(String(event['type'])))
  const authEvents = [...allowing.map(event => parsed(event, version).eventId), eventId]
  return { roomId, version, userId: sender, authEvents }
}

const speak = async (network: TestNetwork, room: Room, servers: readonly string[], body: string) => {
  const { roomId, version, userId, authEvents } = room
  const { serverName, signingKey, federation } = network
  const { event: place } = await templateOf(network, servers[0] ?? '', roomId)
  const originServerTs = Date.now()
  const message = {
    version,
    roomId,
    type: 'm.room.message',
    sender: userId,
    content: { msgtype: 'm.text', body },
    prevEvents: place['prev_events'] as string[],
    authEvents,
    depth: Number(place['depth']),
    originServerTs,
  }
  const { eventId, pdu } = buildEvent(message, serverName, signingKey)
  const transaction = { origin: serverName, originServerTs, pdus: [canonicalJson(pdu)], edus: [] }
  for (const server of servers) {
    await federation.sendTransaction(server, { txnId: eventId.slice(1), body: transactionBody(transaction) })
  }
  return eventId
}

/** Starts one, whose certificate is of the test authority, and joins a room (of version 4 or newer) through a server. */
export const startPolicyServer = async (server: string, roomId: string): Promise<PolicyServer> => {
  const peer = await ScriptedPeer.start({ host: 'localhost' })
  const { serverName, signingKey } = peer
  const hosts = [['localhost', ['127.0.0.1']]] as const
  const network = await createTestNetwork({ serverName, signingKey, hosts })
  peer.always('PUT', /^\/_matrix\/federation\/v1\/send\//, { json: { pdus: {} } })
  const room = await joinRoom(network, server, roomId)
  const key = signingKeyFromSeed(POLICY_KEY_ID, randomBytes(32))
  const asked: string[] = []
  const judge = ({ body, text }: PeerRequest) => {
    const event = body as JsonObject
    asked.push(eventIdOf(event, room.version))
    if (text.includes(FORBIDDEN_WORD)) {
      return { status: 400, json: { errcode: 'M_FORBIDDEN', error: REFUSAL } }
    }
    const signature = key.sign(Buffer.from(signedText(event, room.version)))
    return { json: { [serverName]: { [POLICY_KEY_ID]: signature } } }
  }
  peer.always('POST', '/_matrix/policy/v1/sign', judge)
  return {
    named: { via: serverName, public_keys: { ed25519: key.publicKey } },
    timesAsked: eventId => asked.filter(each => each === eventId).length,
    say: (servers, body) => speak(network, room, servers, body),
    close: async () => {
      await network.close()
      await peer.close()
    },
  }
}

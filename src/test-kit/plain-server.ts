/** A homeserver as others make them, for tests of what we do beyond Matrix: it signs invitations, lets its users join and
 * leave, takes every transaction, and ignores what it does not know. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { ExecutionContext } from 'ava'
import { freePort } from '../../bench/free-port.ts'
import { canonicalJson } from '../core/canonical-json.ts'
import { addSignature, buildEvent } from '../core/event/builder.ts'
import { strippedStateEvent } from '../core/event/client-event.ts'
import type { RoomEvent } from '../core/event/event.ts'
import { parsePdu } from '../core/event/format.ts'
import type { JsonObject } from '../core/json.ts'
import type { RoomVersion } from '../core/room-versions.ts'
import type { EventTemplate } from '../network/federation/membership.ts'
import { completeTemplate, knownVersion } from '../services/federation/outbound/handshake-event.ts'
import { createTestNetwork } from './federation.ts'
import { ScriptedPeer } from './https-server.ts'
import { type RunningTestServer, startTestServer } from './server.ts'
import { testAuthority } from './tls.ts'

/** Such a server, with one of ours that it can talk to. */
export interface PlainNeighbour {
  readonly server: RunningTestServer
  readonly peer: ScriptedPeer
  /** EDUs that have reached the plain server. */
  edus(): JsonObject[]
  /** Lets a user of the plain server join a room of ours, to which they have been invited, or leave it. */
  change(membership: 'join' | 'leave', roomId: string, userId: string): Promise<void>
  /** Lets a user of the plain server, who has joined a room of ours last of all, say something there. */
  say(roomId: string, userId: string, body: string): Promise<void>
  /**
   * Lets a user of the plain server make a room and invite one of ours to it as a direct one, as plain clients open
   * chats; they can join it. `others` of the plain server are there already. Answers its ID.
   */
  inviteDirectly(sender: string, userId: string, others?: readonly string[]): Promise<string>
}

const OURS = 'tea.test'
/** Of the rooms that the plain server makes. */
const OWN_VERSION = '11'

const parsed = (pdu: JsonObject, version: RoomVersion): RoomEvent => {
  const result = parsePdu(pdu, version)
  if ('refusal' in result) throw new Error(`this is no event: ${result.refusal.message}`)
  return result.event
}

const signInvitation = (peer: ScriptedPeer, body: JsonObject): JsonObject => {
  const event = parsed(body['event'] as JsonObject, knownVersion(String(body['room_version'])))
  return { event: addSignature(event, peer.serverName, peer.signingKey).pdu }
}

/** Our server with a certificate on `port`, which knows where the plain one is. */
const startOurs = async (peer: ScriptedPeer, settings: object) => {
  const directory = mkdtempSync(join(tmpdir(), 'tessera-plain-'))
  const authority = await testAuthority()
  const leaf = await authority.issue([OURS])
  const files = { certificate: join(directory, 'c.pem'), key: join(directory, 'k.pem') }
  writeFileSync(files.certificate, leaf.cert)
  writeFileSync(files.key, leaf.key, { mode: 0o600 })
  writeFileSync(join(directory, 'ca.pem'), authority.pem)
  const port = await freePort()
  const server = await startTestServer({
    serverName: OURS,
    settings: {
      listeners: [
        { host: '127.0.0.1', port: 0 },
        { host: '127.0.0.1', port, tls: files },
      ],
      ca_file: join(directory, 'ca.pem'),
      federation: { deny_addresses: [], hosts: Object.fromEntries([peer.hostsEntry]) },
      ...settings,
    },
  })
  const end = async () => {
    await server.close()
    rmSync(directory, { recursive: true, force: true })
  }
  return { server, port, end }
}

/** Starts both. */
export const startPlainNeighbour = async (
  t: ExecutionContext,
  settings: object = {},
): Promise<PlainNeighbour> => {
  const peer = await ScriptedPeer.start()
  const edus: JsonObject[] = []
  peer.always('PUT', /^\/_matrix\/federation\/v2\/invite\//, ({ body }) => ({
    json: signInvitation(peer, body as JsonObject),
  }))
  peer.always('PUT', /^\/_matrix\/federation\/v1\/send\//, ({ body }) => {
    edus.push(...(((body as JsonObject)['edus'] ?? []) as JsonObject[]))
    return { json: { pdus: {} } }
  })
  const { server, port, end } = await startOurs(peer, settings)
  const { serverName, signingKey } = peer
  const network = await createTestNetwork({ serverName, signingKey, hosts: [[OURS, [`127.0.0.1:${port}`]]] })
  t.teardown(async () => {
    await end()
    await network.close()
    await peer.close()
  })
  const joins = new Map<string, RoomEvent[]>()
  return {
    server,
    peer,
    edus: () => edus,
    change: async (membership, roomId, userId) => {
      const { federation } = network
      const template =
        membership === 'join'
          ? await federation.makeJoin(OURS, { roomId, userId, versions: ['11', '12'] })
          : await federation.makeLeave(OURS, { roomId, userId })
      const { event, eventId } = completed(peer, template)
      if (membership === 'leave') await federation.sendLeave(OURS, { roomId, eventId, event })
      else {
        const { state } = await federation.sendJoin(OURS, { roomId, eventId, event, omitMembers: false })
        const version = knownVersion(template.roomVersion)
        joins.set(
          `${roomId} ${userId}`,
          [event, ...state].map(pdu => parsed(pdu, version)),
        )
      }
    },
    say: async (roomId, userId, body) => {
      const [join, ...state] = joins.get(`${roomId} ${userId}`) ?? []
      if (join === undefined) throw new Error('they have not joined the room')
      const types = join.version.format.roomIdIsCreateHash ? [] : ['m.room.create']
      const authorising = state.filter(({ type }) => [...types, 'm.room.power_levels'].includes(type))
      const { pdu } = buildEvent(
        {
          ...{ version: join.version, roomId, type: 'm.room.message', sender: userId },
          ...{ content: { msgtype: 'm.text', body }, prevEvents: [join.eventId], depth: join.depth + 1 },
          authEvents: [...authorising, join].map(event => event.eventId),
          ...{ originServerTs: Date.now(), references: new Map<string, string>() },
        },
        serverName,
        signingKey,
      )
      const transaction = { origin: serverName, origin_server_ts: Date.now(), pdus: [pdu] }
      await network.federation.sendTransaction(OURS, { txnId: body, body: canonicalJson(transaction) })
    },
    inviteDirectly: async (sender, userId, others = []) => {
      const room = plainRoom(peer, sender, userId, others)
      const { roomId, eventId, pdu: event } = room.invite
      letIn(peer, room, userId)
      const invitation = { roomId, eventId, event, roomVersion: OWN_VERSION, inviteRoomState: room.described }
      await network.federation.invite(OURS, invitation)
      return roomId
    },
  }
}

interface PlainRoom {
  /** All events, in order. */
  readonly events: readonly RoomEvent[]
  readonly state: readonly RoomEvent[]
  readonly invite: RoomEvent
  /** What the invited person is told of it. */
  readonly described: readonly JsonObject[]
}

let rooms = 0

/** A direct room as plain clients make them: two administrators, one of whom is invited. */
const plainRoom = (
  peer: ScriptedPeer,
  maker: string,
  userId: string,
  others: readonly string[],
): PlainRoom => {
  const { serverName, signingKey } = peer
  const roomId = `!plain${++rooms}:${serverName}`
  const events: RoomEvent[] = []
  const add = (type: string, stateKey: string, content: JsonObject, sender = maker): RoomEvent => {
    const before = events.map(event => event.eventId)
    const template = {
      ...{ version: knownVersion(OWN_VERSION), roomId, type, sender, stateKey, content },
      ...{ prevEvents: before.slice(-1), depth: before.length + 1, originServerTs: Date.now() },
      // Create, the maker's join and the power levels authorise what follows; the first rule lets anybody join.
      authEvents: sender === maker ? before.slice(0, 3) : [0, 2, 3].flatMap(index => before[index] ?? []),
      references: new Map<string, string>(),
    }
    const event = buildEvent(template, serverName, signingKey)
    events.push(event)
    return event
  }
  add('m.room.create', '', { room_version: OWN_VERSION })
  add('m.room.member', maker, { membership: 'join' })
  add('m.room.power_levels', '', { users: { [maker]: 100, [userId]: 100 } })
  add('m.room.join_rules', '', { join_rule: 'public' })
  for (const other of others) add('m.room.member', other, { membership: 'join' }, other)
  add('m.room.join_rules', '', { join_rule: 'invite' })
  const isCurrent = ({ content }: RoomEvent): boolean => content['join_rule'] !== 'public'
  const described = events.filter(isCurrent).map(strippedStateEvent)
  const invite = add('m.room.member', userId, { membership: 'invite', is_direct: true })
  return { events, state: events.filter(isCurrent), invite, described }
}

/** Lets the invited person join through the plain server, and read what was before. */
const letIn = (peer: ScriptedPeer, { events, state, invite }: PlainRoom, userId: string): void => {
  const { roomId } = invite
  const authorising = state.filter(event => event.type !== 'm.room.member' || event === invite)
  const authEvents = authorising.map(event => event.eventId)
  peer.always('GET', `/_matrix/federation/v1/make_join/${roomId}/${userId}`, () => ({
    json: {
      room_version: OWN_VERSION,
      event: {
        ...{ type: 'm.room.member', room_id: roomId, sender: userId, state_key: userId },
        ...{ content: { membership: 'join' }, depth: events.length + 1, prev_events: [invite.eventId] },
        ...{ auth_events: authEvents, origin_server_ts: Date.now() },
      },
    },
  }))
  const pdus = events.map(event => event.pdu)
  peer.always('GET', `/_matrix/federation/v1/backfill/${roomId}`, () => ({
    json: { origin: peer.serverName, origin_server_ts: Date.now(), pdus },
  }))
  peer.always('PUT', new RegExp(`^/_matrix/federation/v2/send_join/${roomId}/`), ({ body }) => ({
    json: {
      ...{
        event: body as JsonObject,
        state: state.map(one => one.pdu),
        auth_chain: pdus,
        members_omitted: false,
      },
      ...{ origin: peer.serverName, servers_in_room: [peer.serverName] },
    },
  }))
}

const completed = (
  { serverName, signingKey }: ScriptedPeer,
  template: EventTemplate,
  content: JsonObject = {},
): { event: JsonObject; eventId: string } => {
  const version = knownVersion(template.roomVersion)
  const own = {
    serverName,
    signingKey,
    version,
    content,
    now: Date.now(),
    random: () => new Uint8Array(18),
  }
  const { pdu, eventId } = completeTemplate(template.event, own)
  return { event: pdu, eventId }
}

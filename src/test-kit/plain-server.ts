/** A homeserver as others make them, for tests of what we do beyond Matrix: it signs invitations, lets its users join and
 * leave, takes every transaction, and ignores what it does not know. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { ExecutionContext } from 'ava'
import { freePort } from '../../bench/free-port.ts'
import { addSignature, buildEvent } from '../core/event/builder.ts'
import { strippedStateEvent } from '../core/event/client-event.ts'
import type { RoomEvent } from '../core/event/event.ts'
import { parsePdu } from '../core/event/format.ts'
import type { JsonObject } from '../core/json.ts'
import { roomVersion } from '../core/room-versions.ts'
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
  /**
   * Lets a user of the plain server make a room and invite one of ours to it as a direct one, as plain clients open
   * chats; they can join it. Answers its ID.
   */
  inviteDirectly(sender: string, userId: string): Promise<string>
}

const OURS = 'tea.test'
/** Of the rooms that the plain server makes. */
const OWN_VERSION = '11'

const signInvitation = (peer: ScriptedPeer, body: JsonObject): JsonObject => {
  const version = roomVersion(String(body['room_version']))
  const parsed = version && parsePdu(body['event'] as JsonObject, version)
  if (parsed === undefined || 'refusal' in parsed) throw new Error('the invitation is no event')
  return { event: addSignature(parsed.event, peer.serverName, peer.signingKey).pdu }
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
  const { serverName, signingKey } = peer
  const network = await createTestNetwork({ serverName, signingKey, hosts: [[OURS, [`127.0.0.1:${port}`]]] })
  t.teardown(async () => {
    await server.close()
    await network.close()
    await peer.close()
    rmSync(directory, { recursive: true, force: true })
  })
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
      else await federation.sendJoin(OURS, { roomId, eventId, event, omitMembers: false })
    },
    inviteDirectly: async (sender, userId) => {
      const room = plainRoom(peer, sender, userId)
      const { roomId, eventId, pdu: event } = room.invite
      letIn(peer, room, userId)
      const invitation = { roomId, eventId, event, roomVersion: OWN_VERSION, inviteRoomState: room.described }
      await network.federation.invite(OURS, invitation)
      return roomId
    },
  }
}

interface PlainRoom {
  readonly state: readonly RoomEvent[]
  readonly invite: RoomEvent
  /** What the invited person is told of it. */
  readonly described: readonly JsonObject[]
}

let rooms = 0

/** A direct room as plain clients make them: two administrators, one of whom is invited. */
const plainRoom = (peer: ScriptedPeer, sender: string, userId: string): PlainRoom => {
  const { serverName, signingKey } = peer
  const roomId = `!plain${++rooms}:${serverName}`
  const state: RoomEvent[] = []
  const add = (type: string, stateKey: string, content: JsonObject): RoomEvent => {
    const before = state.map(event => event.eventId)
    const template = {
      ...{ version: knownVersion(OWN_VERSION), roomId, type, sender, stateKey, content },
      ...{ prevEvents: before.slice(-1), depth: before.length + 1, originServerTs: Date.now() },
      // Create, the maker's join and the power levels authorise what follows.
      authEvents: before.slice(0, 3),
      references: new Map<string, string>(),
    }
    const event = buildEvent(template, serverName, signingKey)
    state.push(event)
    return event
  }
  add('m.room.create', '', { room_version: OWN_VERSION })
  add('m.room.member', sender, { membership: 'join' })
  add('m.room.power_levels', '', { users: { [sender]: 100, [userId]: 100 } })
  add('m.room.join_rules', '', { join_rule: 'invite' })
  const described = state.map(strippedStateEvent)
  return { described, invite: add('m.room.member', userId, { membership: 'invite', is_direct: true }), state }
}

/** Lets the invited person join through the plain server, and read what was before. */
const letIn = (peer: ScriptedPeer, { state, invite }: PlainRoom, userId: string): void => {
  const { roomId } = invite
  const authEvents = state.filter((_, index) => index !== 1).map(event => event.eventId)
  peer.always('GET', `/_matrix/federation/v1/make_join/${roomId}/${userId}`, () => ({
    json: {
      room_version: OWN_VERSION,
      event: {
        ...{ type: 'm.room.member', room_id: roomId, sender: userId, state_key: userId },
        ...{ content: { membership: 'join' }, depth: state.length + 1, prev_events: [invite.eventId] },
        ...{ auth_events: authEvents, origin_server_ts: Date.now() },
      },
    },
  }))
  const pdus = state.map(event => event.pdu)
  peer.always('GET', `/_matrix/federation/v1/backfill/${roomId}`, () => ({
    json: { origin: peer.serverName, origin_server_ts: Date.now(), pdus },
  }))
  peer.always('PUT', new RegExp(`^/_matrix/federation/v2/send_join/${roomId}/`), ({ body }) => ({
    json: {
      ...{ event: body as JsonObject, state: pdus, auth_chain: pdus, members_omitted: false },
      ...{ origin: peer.serverName, servers_in_room: [peer.serverName] },
    },
  }))
}

const completed = (
  { serverName, signingKey }: ScriptedPeer,
  template: { roomVersion: string; event: JsonObject },
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

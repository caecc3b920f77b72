/** A homeserver as others make them, for tests of what we do beyond Matrix: it signs invitations, lets its users join and
 * leave, takes every transaction, and ignores what it does not know. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { ExecutionContext } from 'ava'
import { freePort } from '../../bench/free-port.ts'
import { addSignature } from '../core/event/builder.ts'
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
  /** Lets a user of the plain server invite one of ours to a direct room of its own, as plain clients open chats. */
  inviteDirectly(roomId: string, sender: string, userId: string): Promise<void>
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
    inviteDirectly: async (roomId, sender, userId) => {
      const place = { auth_events: ['$create'], prev_events: ['$join'], depth: 5, room_id: roomId }
      const member = { type: 'm.room.member', sender, state_key: userId, content: { membership: 'invite' } }
      const template = { roomVersion: OWN_VERSION, event: { ...place, ...member } }
      const { event, eventId } = completed(peer, template, { is_direct: true })
      const content = { room_version: OWN_VERSION }
      const inviteRoomState = [{ type: 'm.room.create', state_key: '', sender, content }]
      const invitation = { roomId, eventId, event, roomVersion: OWN_VERSION, inviteRoomState }
      await network.federation.invite(OURS, invitation)
    },
  }
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

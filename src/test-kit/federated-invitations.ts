/**
 * Two servers of which one invites to its room a user of the other: both of Tessera, or one a plain Matrix server, which
 * knows nothing of records and terms.
 */
import type { ExecutionContext } from 'ava'
import { silentLog } from '../core/log.ts'
import { federatedDiscovery } from '../services/discovery/federated.ts'
import { createDiscovery } from '../services/discovery/index.ts'
import { createInvitations, type Invitations } from '../services/invitations/index.ts'
import { eventually } from './eventually.ts'
import { FederationWorld, stateAt, type WorldServer } from './federation-world.ts'
import { newRoom } from './rooms.ts'

export const ALICE = '@alice:a.test'
export const BOB = '@bob:b.test'
export const MINUTE = 60_000
export const HOUR = 60 * MINUTE

/** A server of the pair. */
export interface Site extends WorldServer {
  /** Absent on a plain Matrix server. */
  readonly invitations: Invitations | undefined
}

const withInvitations = (
  t: ExecutionContext,
  server: WorldServer,
  plainServers: readonly string[],
): Invitations => {
  const { core, clock, rooms, client, federation } = server
  const discovery = createDiscovery({
    ...{ core, rooms, remote: federatedDiscovery(client, { reachBack: federation.reachBack, clock }) },
    ...{ hasDirectory: true, directoryIsForServers: true },
  })
  const invitations = createInvitations({
    ...{ core, clock, rooms, log: silentLog, roomSummaries: discovery.roomSummaries },
    standing: async () => undefined,
    people: { addressesOf: async () => [], languagesOf: async () => [], ownerOf: async () => undefined },
    limits: { maxSent: 100, maxReceived: 3, keepHistory: 365 * 24 * HOUR },
    peers: {
      queueEdu: federation.queueEdu,
      areOurs: async name => (await federation.areOurs(name)) && !plainServers.includes(name),
    },
  })
  for (const [type, handler] of Object.entries(invitations.eduHandlers))
    federation.transactions.onEdu(type, handler)
  federation.invitations.checks.push(invitation => invitations.sending.checkIncoming(invitation))
  invitations.start()
  t.teardown(() => invitations.close())
  return invitations
}

/** Alice's server and Bob's, one of which may be a plain Matrix server. */
export const pair = async (t: ExecutionContext, plain: { alices?: boolean; bobs?: boolean } = {}) => {
  const world = new FederationWorld(t)
  const site = async (name: string, isPlain = false): Promise<Site> => {
    const server = await world.add(name)
    server.federation.start()
    return { ...server, invitations: isPlain ? undefined : withInvitations(t, server, plainServers) }
  }
  const plainServers = [...(plain.alices ? ['a.test'] : []), ...(plain.bobs ? ['b.test'] : [])]
  const a = await site('a.test', plain.alices)
  const b = await site('b.test', plain.bobs)
  const { roomCreation } = a.rooms
  const roomId = await roomCreation.create(newRoom(a.rooms, ALICE, { name: 'Tea' }), { isDirect: false })
  /** Alice invites Bob, with terms where her server knows such. */
  const invite = async (request: Parameters<Invitations['plan']>[0], reason?: string) => {
    const invitation = { sender: ALICE, userId: BOB, roomId, reason }
    if (a.invitations === undefined) return a.rooms.memberships.invite(invitation)
    await a.invitations.sending.send(invitation, a.invitations.plan(request))
  }
  const withdraw = async () => {
    if (a.invitations === undefined) await a.rooms.memberships.kick({ sender: ALICE, userId: BOB, roomId })
    else await a.invitations.withdrawal.cancel({ userId: ALICE }, roomId, BOB)
  }
  /** How an invitation stands, as one of the two sees it. */
  const seenBy = async (server: Site) => {
    const { invitations } = server
    if (invitations === undefined) throw new Error('plain servers have no records')
    return invitations.listing.one(server === a ? ALICE : BOB, roomId, BOB).catch(() => undefined)
  }
  const becomes = (server: Site, status: string) =>
    eventually(`${server.name} sees ${status}`, async () => (await seenBy(server))?.status === status)
  const advance = async (ms: number) => {
    await a.clock.advance(ms)
    await b.clock.advance(ms)
  }
  const membership = async () => (await stateAt(a, roomId, 'm.room.member', BOB))?.content['membership']
  return { world, a, b, roomId, invite, withdraw, seenBy, becomes, advance, membership }
}

/** What waits for people, when those whom it comes from are elsewhere. */
import test from 'ava'
import { eventually } from '../src/test-kit/eventually.ts'
import { type Person, registerPerson } from '../src/test-kit/person.ts'
import { startPlainNeighbour } from '../src/test-kit/plain-server.ts'
import { syncAs } from '../src/test-kit/syncing.ts'
import { startFederatedServers } from './federated-servers.ts'

type Json = Record<string, unknown>

interface Part {
  readonly items: readonly { readonly kind: string; readonly count?: number; readonly comment?: string }[]
  readonly total: number
}

const NOTIFICATIONS = '/_matrix/client/v1/chat.tessera/notifications'

const list = async (person: Person): Promise<Part> => (await person.get(NOTIFICATIONS)) as unknown as Part

const roomOf = (roomId: string): string => `/rooms/${encodeURIComponent(roomId)}`

const waitsFor = (person: Person, ...kinds: readonly string[]): Promise<void> =>
  eventually(`${kinds.join(' and ')} of ${person.userId}`, async () => {
    const { items } = await list(person)
    return JSON.stringify(items.map(({ kind }) => kind).toSorted()) === JSON.stringify(kinds.toSorted())
  })

test('somebody who was away connects with nothing but a token, and finds everything', async t => {
  const [tea, cake] = await startFederatedServers(t, ['tea.test', 'cake.test'])
  if (tea === undefined || cake === undefined) throw new Error('two servers were to start')
  const alice = await registerPerson(tea, 'alice')
  const bob = await registerPerson(cake, 'bob')
  const roomId = await alice.createOpenRoom({ name: 'Tea', room_alias_name: 'tea' })
  await bob.join('#tea:tea.test')
  const invitedTo = await alice.createRoom({ name: 'Cake' })
  await alice.post(`${roomOf(invitedTo)}/invite`, { user_id: bob.userId, reason: 'There is cake' })
  for (let n = 1; n <= 5; n++) await alice.say(roomId, `message ${n}`)
  await alice.say(roomId, 'bob!', { 'm.mentions': { user_ids: [bob.userId] } })
  await waitsFor(bob, 'invitation', 'mention', 'message')

  const { body } = await syncAs(bob, { filter: { 'chat.tessera.notifications': true } })
  const part = body['chat.tessera.notifications'] as Part
  t.is(part.total, 3)
  t.like(
    part.items.find(({ kind }) => kind === 'invitation'),
    {
      comment: 'There is cake',
      room: { room_id: invitedTo, name: 'Cake' },
      sender: { user_id: alice.userId, display_name: 'alice' },
    },
  )
  t.is(part.items.find(({ kind }) => kind === 'message')?.count, 5)
  const rooms = body['rooms'] as { join: Record<string, Json>; invite: Json }
  t.deepEqual(rooms.join[roomId]?.['unread_notifications'], { notification_count: 6, highlight_count: 1 })
  t.true(Object.hasOwn(rooms.invite, invitedTo))

  await bob.post(`${roomOf(invitedTo)}/leave`, { reason: 'No cake for me' })
  await waitsFor(bob, 'mention', 'message')
  await waitsFor(alice, 'invitation_declined')
  t.is((await list(alice)).items[0]?.comment, 'No cake for me')
})

test('what becomes of an invitation to a user of a plain Matrix server', async t => {
  const { server, peer, change } = await startPlainNeighbour(t)
  const alice = await registerPerson(server, 'alice')
  const bob = `@bob:${peer.serverName}`
  const roomId = await alice.createRoom()
  await alice.invite(roomId, bob)
  await change('join', roomId, bob)
  await waitsFor(alice, 'invitation_accepted')
  await change('leave', roomId, bob)
  await alice.invite(roomId, bob)
  await change('leave', roomId, bob)
  await waitsFor(alice, 'invitation_declined')
  t.deepEqual(peer.problems(), [])
})

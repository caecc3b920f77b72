import test from 'ava'
import { administeredPeople } from '../../test-kit/administered-people.ts'
import { testDatabases } from '../../test-kit/database.ts'
import type { SyncBody } from '../../test-kit/people.ts'
import type { Person } from '../../test-kit/person.ts'
import { list, type SlidAnswer } from '../../test-kit/sliding-client.ts'

const path = encodeURIComponent

const sync = async (person: Person, query: string): Promise<SyncBody> =>
  (await person.get(`/sync?${query}`)) as unknown as SyncBody

const slide = async (person: Person, query = ''): Promise<SlidAnswer> => {
  const target = `/_matrix/client/unstable/org.matrix.simplified_msc3575/sync?${query}`
  return (await person.post(target, list(9))) as unknown as SlidAnswer
}

testDatabases(test, 'clients that were away hear that a room was removed', async (t, _, database) => {
  const { ask, ann, bob } = await administeredPeople(t, database)
  const room = await ann.createOpenRoom({ name: 'doomed' })
  await bob.join(room)
  const before = await sync(bob, '')
  const slid = await slide(bob)
  t.like(slid.rooms[room], { membership: 'join' })
  await ask('DELETE', `/v1/rooms/${path(room)}`, {})

  const since = `since=${before.next_batch}`
  const after = await sync(bob, since)
  const left = after.rooms?.leave?.[room]
  t.like(left?.timeline.events[0], { type: 'm.room.member', state_key: bob.userId })
  t.deepEqual(left?.timeline.events[0]?.content, { membership: 'leave' })
  t.is((await sync(bob, `since=${after.next_batch}`)).rooms, undefined, 'they are told once')
  const asState = (await sync(bob, `${since}&use_state_after=true`)).rooms?.leave?.[room]
  t.deepEqual(asState?.state_after?.events[0]?.content, { membership: 'leave' })
  const others = path(JSON.stringify({ room: { not_rooms: [room] } }))
  t.is((await sync(bob, `${since}&filter=${others}`)).rooms, undefined)
  t.deepEqual((await sync(bob, '')).rooms, undefined, 'who begins anew does not know the room')

  const further = await slide(bob, `pos=${slid.pos}`)
  t.like(further.rooms[room], { membership: 'leave', required_state: [{ content: { membership: 'leave' } }] })
  t.deepEqual((await slide(bob, `pos=${further.pos}`)).rooms, {})
  t.like(
    (await slide(bob)).rooms[room],
    { membership: 'leave' },
    'of a connection that is gone nothing is known',
  )
})

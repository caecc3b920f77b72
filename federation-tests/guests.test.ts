/** Guests of one server in the rooms of another, which does not know that they are guests. */
import test from 'ava'
import { Person } from '../src/test-kit/people.ts'
import { pair, TEA } from './two-sites.ts'

const GUESTS = { guests: { enabled: true } }
const REFUSED = { code: '403 M_GUEST_ACCESS_FORBIDDEN' }
const OPEN = { type: 'm.room.guest_access', state_key: '', content: { guest_access: 'can_join' } }

const newGuest = async (server: Awaited<ReturnType<typeof pair>>['tea']): Promise<Person> => {
  const { body } = await server.request('POST', '/_matrix/client/v3/register?kind=guest', { json: {} })
  const { user_id, access_token, device_id } = body as Record<string, string>
  return new Person(server, {
    userId: String(user_id),
    accessToken: String(access_token),
    deviceId: String(device_id),
  })
}

const joinPath = (roomId: string): string => `/join/${encodeURIComponent(roomId)}?via=cake.test`

test('guests come into rooms of other servers that let them in, and into no others', async t => {
  const { tea, bob } = await pair(t, GUESTS)
  const guest = await newGuest(tea)
  const open = await bob.createRoom({ preset: 'public_chat', initial_state: [OPEN] })
  const closed = await bob.createRoom({ preset: 'public_chat' })
  t.true(guest.userId.endsWith(`:${TEA}`))
  await guest.api('POST', joinPath(open), {})
  await guest.send(open, 'hello')
  await t.throwsAsync(guest.api('POST', joinPath(closed), {}), REFUSED)
  await t.throwsAsync(guest.api('POST', joinPath('!nowhere:cake.test'), {}), REFUSED)
})

test('guests come into rooms to which people of other servers have invited them', async t => {
  const { tea, bob } = await pair(t, GUESTS)
  const guest = await newGuest(tea)
  const open = await bob.createRoom({ preset: 'private_chat' })
  const closed = await bob.createRoom({
    preset: 'private_chat',
    initial_state: [{ ...OPEN, content: { guest_access: 'forbidden' } }],
  })
  for (const roomId of [open, closed]) await bob.invite(roomId, guest.userId)
  await guest.change('join', open)
  await guest.send(open, 'hello')
  await t.throwsAsync(guest.change('join', closed), REFUSED)
})

import test from 'ava'
import { eventually } from '../../test-kit/eventually.ts'
import { newPerson, Person, serverTests } from '../../test-kit/people.ts'
import type { RunningTestServer } from '../../test-kit/server.ts'

const onServer = serverTests(test, { settings: { guests: { enabled: true } } })

const newGuest = async (server: RunningTestServer): Promise<Person> => {
  const { body } = await server.request('POST', '/_matrix/client/v3/register?kind=guest', { json: {} })
  const guest = body as { user_id: string; access_token: string; device_id: string }
  const { user_id: userId, access_token: accessToken, device_id: deviceId } = guest
  return new Person(server, { userId, accessToken, deviceId })
}

onServer('guests join rooms that let them in, and leave those that no longer do', async (t, server) => {
  const [ann, guest] = [await newPerson(server), await newGuest(server)]
  const closed = await ann.createRoom({ preset: 'public_chat' })
  const refused = { code: '403 M_GUEST_ACCESS_FORBIDDEN' }
  await t.throwsAsync(guest.change('join', closed), refused)
  const own = { membership: 'join' }
  await t.throwsAsync(guest.setState(closed, 'm.room.member', own, guest.userId), refused)
  await ann.change('invite', closed, guest)
  await t.throwsAsync(guest.change('join', closed), refused, 'an invitation makes no difference')
  await ann.setState(closed, 'm.room.guest_access', { guest_access: 'can_join' })
  await guest.change('join', closed)
  await guest.send(closed, 'hello')
  const bob = await newPerson(server)
  await bob.change('join', closed)
  await ann.setState(closed, 'm.room.guest_access', { guest_access: 'forbidden' })
  const membership = async (who: Person): Promise<unknown> =>
    (await ann.api('GET', `/rooms/${encodeURIComponent(closed)}/state/m.room.member/${who.userId}`))[
      'membership'
    ]
  await eventually('the guest is out', async () => (await membership(guest)) === 'leave')
  t.is(await membership(bob), 'join', 'nobody else has to go')
  await t.throwsAsync(guest.change('join', closed), refused)
})

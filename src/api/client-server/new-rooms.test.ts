import test from 'ava'
import { testsOfTwo } from '../../test-kit/two-people.ts'

type Json = Record<string, unknown>
const path = encodeURIComponent
const withTwo = testsOfTwo(test)

withTwo('an alias is given to a new room only if it is one', async (t, { ann }) => {
  for (const name of ['', 'a:b', '\0', 'x'.repeat(250), '\ud800']) {
    t.is(await ann.code('POST', '/createRoom', { room_alias_name: name }), '400 M_INVALID_PARAM', name)
  }
  const room = await ann.createRoom({ room_alias_name: 'tea für zwei\n' })
  t.is((await ann.get(`/directory/room/${path('#tea für zwei\n:localhost')}`))['room_id'], room)
})

withTwo('a room is not made whose creator could not do what they ask for', async (t, { ann, bob }) => {
  const banned = { type: 'm.room.member', state_key: bob.userId, content: { membership: 'ban' } }
  const powers = { users: { [ann.userId]: 100 }, invite: 101 }
  for (const wish of [
    { room_version: '11', power_level_content_override: powers },
    { initial_state: [banned] },
  ]) {
    t.is(await ann.code('POST', '/createRoom', { ...wish, invite: [bob.userId] }), '400 M_INVALID_ROOM_STATE')
  }
})

withTwo('a client that knows no room of version 12 makes one all the same', async (t, { ann, bob }) => {
  const users = { [ann.userId]: 100, [bob.userId]: 50 }
  const room = await ann.createRoom({ power_level_content_override: { users } })
  const levels = await ann.get(`/rooms/${path(room)}/state/m.room.power_levels`)
  t.deepEqual(levels['users'], { [bob.userId]: 50 })
  const wish = { room_version: '12', power_level_content_override: { users } }
  t.is(await ann.code('POST', '/createRoom', wish), '400 M_INVALID_ROOM_STATE', 'who asks for it, knows it')
})

withTwo('a new room begins with no alias but its own', async (t, { ann, bob }) => {
  await ann.createRoom({ room_alias_name: 'tearoom' })
  const make = (content: Json, more: Json = {}) =>
    bob.code('POST', '/createRoom', { initial_state: [{ type: 'm.room.canonical_alias', content }], ...more })
  t.is(await make({ alias: '#tearoom:localhost' }), '400 M_BAD_ALIAS')
  t.is(await make({ alt_aliases: ['#tearoom:localhost'] }), '400 M_BAD_ALIAS')
  t.is(await make({ alias: 'tearoom' }), '400 M_INVALID_PARAM')
  t.is(await make({ alias: '#parlour:localhost' }, { room_alias_name: 'parlour' }), '200 -')
})

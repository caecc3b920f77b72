/** What SDKs and bridges count on where the specification leaves it open. */
import test from 'ava'
import type { Person } from '../../test-kit/person.ts'
import { testsOfTwo } from '../../test-kit/two-people.ts'

type Json = Record<string, unknown>
const path = encodeURIComponent
const withTwo = testsOfTwo(test)

withTwo(
  'bridges know by the words that somebody is in the room already, or is not in it',
  async (t, { ann, bob }) => {
    const room = await ann.createOpenRoom()
    const errorOf = async (who: Person, action: string, body: Json = {}) =>
      String((await who.request('POST', `/rooms/${path(room)}/${action}`, body)).body['error'])
    t.regex(await errorOf(bob, 'leave'), /not in room/, 'mautrix-python takes it for done')
    await bob.join(room)
    const invited = await errorOf(ann, 'invite', { user_id: bob.userId })
    t.regex(invited, /is already in the room/, 'mautrix-go and mautrix-python take it for done')
  },
)

withTwo('matrix-js-sdk writes null for what a filter leaves out, before 37.9', async (t, { ann }) => {
  const room = await ann.createRoom()
  await ann.say(room, 'hi', { url: 'mxc://localhost/a' })
  const lists = { not_types: [], not_rooms: [], not_senders: [], related_by_senders: [] }
  const filter = { ...lists, types: null, rooms: null, senders: null, contains_url: true }
  const query = `dir=b&filter=${path(JSON.stringify(filter))}`
  const { chunk } = await ann.get(`/rooms/${path(room)}/messages?${query}`)
  t.is((chunk as Json[]).length, 1, 'what its list of files asks for')
})

withTwo('a room whose name or alias is none is called by its members', async (t, { ann, bob }) => {
  const room = await ann.createOpenRoom()
  await bob.join(room)
  const heroes = async () => {
    const { rooms } = (await ann.get('/sync')) as { rooms: { join: Record<string, { summary: Json }> } }
    return rooms.join[room]?.summary['m.heroes']
  }
  for (const name of [{ name: 5 }, { name: '' }, {}]) {
    await ann.setState(room, 'm.room.name', name)
    t.deepEqual(await heroes(), [bob.userId], JSON.stringify(name))
  }
  await ann.setState(room, 'm.room.name', { name: 'Tea' })
  t.is(await heroes(), undefined)
})

withTwo('clients of 2022 ask for key backups and cross-signing under /unstable', async (t, { ann }) => {
  const unstable = '/_matrix/client/unstable'
  t.is(await ann.code('GET', `${unstable}/room_keys/version`), '404 M_NOT_FOUND', 'there is none')
  t.is(await ann.code('POST', `${unstable}/keys/signatures/upload`, {}), '200 -')
  t.is(await ann.code('POST', `${unstable}/keys/device_signing/upload`, {}), '400 M_MISSING_PARAM')
})

withTwo('scripts send and redact by POST, without a transaction', async (t, { ann }) => {
  const room = path(await ann.createRoom())
  const hi = { msgtype: 'm.text', body: 'hi' }
  const sent = [1, 2].map(async () => (await ann.post(`/rooms/${room}/send/m.room.message`, hi))['event_id'])
  const [one, two] = (await Promise.all(sent)).map(String)
  if (one === undefined || one === two) return t.fail('what is sent twice is there twice')
  t.is(await ann.code('POST', `/rooms/${room}/send/m.room.message`, {}), '400 M_BAD_JSON')
  await ann.post(`/_matrix/client/r0/rooms/${room}/redact/${path(one)}`, { reason: 'oops' })
  t.deepEqual((await ann.get(`/rooms/${room}/event/${path(one)}`))['content'], {})
})

withTwo('the order of a tag may come as text, and is told as a number', async (t, { ann }) => {
  const tags = `/user/${ann.userId}/rooms/${path(await ann.createRoom())}/tags`
  await ann.put(`${tags}/m.favourite`, { order: '0.25', 'org.example': 1 })
  await ann.put(`${tags}/u.plain`, { order: 0.5 })
  const told = { 'm.favourite': { order: 0.25, 'org.example': 1 }, 'u.plain': { order: 0.5 } }
  t.deepEqual((await ann.get(tags))['tags'], told)
  for (const order of ['', 'first', '0x1', true])
    t.is(await ann.code('PUT', `${tags}/u.bad`, { order }), '400 M_BAD_JSON', String(order))
})

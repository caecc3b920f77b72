import test from 'ava'
import { testDatabases } from '../../test-kit/database.ts'
import { personOf, registerPerson } from '../../test-kit/person.ts'
import { startTestServer, TEST_PASSWORD } from '../../test-kit/server.ts'

const path = encodeURIComponent

testDatabases(
  test,
  'who joins after an erasure sees redacted copies; who was there sees what they saw',
  async (t, _, database) => {
    const server = await startTestServer({ database })
    t.teardown(server.close)
    const [ann, bob] = [await registerPerson(server, 'ann'), await registerPerson(server, 'bob')]
    const room = await ann.createOpenRoom({ name: 'Ours' })
    await bob.join(room)
    const said = await ann.say(room, 'a secret of Ann')
    const kept = await bob.say(room, 'not hers')
    await bob.say(room, 'in reply', { 'm.relates_to': { 'm.in_reply_to': { event_id: said } } })
    const rooms = `/rooms/${path(room)}`
    const bodyFor = async (person: typeof ann, eventId: string) =>
      ((await person.get(`${rooms}/event/${path(eventId)}`))['content'] as { body?: string }).body

    const auth = { type: 'm.login.password', user: 'ann', password: TEST_PASSWORD }
    await ann.post('/account/deactivate', { auth, erase: true })
    const carol = await registerPerson(server, 'carol')
    await carol.join(room)

    t.is(await bodyFor(bob, said), 'a secret of Ann')
    t.is(await bodyFor(carol, said), undefined)
    t.is(await bodyFor(bob, said), 'a secret of Ann', 'what one is shown is not what another is')
    t.is(await bodyFor(carol, kept), 'not hers')
    const { chunk } = await carol.get(`${rooms}/messages?dir=b&limit=50`)
    t.false(JSON.stringify(chunk).includes('secret of Ann'))
    t.true(
      JSON.stringify((await bob.get(`${rooms}/messages?dir=b&limit=50`))['chunk']).includes('secret of Ann'),
    )
    t.false(JSON.stringify(await carol.get('/sync')).includes('secret of Ann'))
    t.is((await carol.get(`${rooms}/state/m.room.name/`))['name'], 'Ours', 'the room keeps its state')
    const member = (await carol.get(`${rooms}/state/m.room.member/${path(ann.userId)}`)) as object
    t.deepEqual(member, { membership: 'leave' })
    const search = async (person: typeof ann) => {
      const criteria = { search_categories: { room_events: { search_term: 'secret' } } }
      const { search_categories: found } = await person.post('/search', criteria)
      return (found as { room_events: { results: unknown[] } }).room_events.results.length
    }
    t.is(await search(bob), 1)
    t.is(await search(carol), 0)

    await bob.leave(room)
    await bob.join(room)
    t.is(await bodyFor(bob, said), 'a secret of Ann', 'who comes back had seen it')
    const { accessToken } = await server.login('carol')
    t.is(await bodyFor(personOf(server, { userId: carol.userId, accessToken }), said), undefined)
  },
)

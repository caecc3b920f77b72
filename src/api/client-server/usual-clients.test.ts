/** What clients do in the ordinary course of things is within the limits as they are where nobody has set others. */
import test from 'ava'
import { FakeClock } from '../../test-kit/fake-clock.ts'
import { registerPerson } from '../../test-kit/person.ts'
import { startTestServer } from '../../test-kit/server.ts'

test('the devices of a user may ask for what is new as often as busy rooms make them, not for all there is', async t => {
  const settings = { rate_limits: { enabled: true } }
  const server = await startTestServer({ settings, clock: new FakeClock() })
  t.teardown(server.close)
  const person = await registerPerson(server, 'alice')
  const { next_batch: since } = await person.get('/sync?timeout=0')
  const counts = async (path: string, times: number): Promise<Record<string, number>> => {
    const codes = await Promise.all(Array.from({ length: times }, () => person.code('GET', path)))
    return Object.fromEntries(
      Object.entries(Object.groupBy(codes, code => code)).map(([code, all = []]) => [code, all.length]),
    )
  }
  t.deepEqual(await counts(`/sync?timeout=0&since=${since}`, 100), { '200 -': 100 })
  t.deepEqual(await counts('/sync?timeout=0', 12), { '200 -': 9, '429 M_LIMIT_EXCEEDED': 3 })
})

test('an album of thirty pictures is sent in one go', async t => {
  const server = await startTestServer({
    settings: { rate_limits: { enabled: true } },
    clock: new FakeClock(),
  })
  t.teardown(server.close)
  const { accessToken: token } = await registerPerson(server, 'alice')
  for (let nr = 0; nr < 60; nr++)
    t.is(
      (await server.request('POST', '/_matrix/media/v3/upload', { token, body: `file ${nr}` })).status,
      200,
    )
})

test('a name that is typed is looked for at each letter, among people and rooms', async t => {
  const server = await startTestServer({
    settings: { rate_limits: { enabled: true } },
    clock: new FakeClock(),
  })
  t.teardown(server.close)
  const person = await registerPerson(server, 'alice')
  const name = 'Bartholomew of Example House'
  for (let end = 1; end <= name.length; end++) {
    const term = name.slice(0, end)
    t.is(await person.code('POST', '/user_directory/search', { search_term: term }), '200 -', term)
    t.is(await person.code('POST', '/publicRooms', { filter: { generic_search_term: term } }), '200 -', term)
  }
})

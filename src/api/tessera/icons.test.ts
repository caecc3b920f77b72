import test from 'ava'
import sharp from 'sharp'
import { iconSvg, stockIcon } from '../../services/media/stock-icon.ts'
import { testDatabases } from '../../test-kit/database.ts'
import { registerPerson } from '../../test-kit/person.ts'
import { startTestServer } from '../../test-kit/server.ts'

test('an icon follows from the ID, and will be the same for ever', t => {
  t.is(
    iconSvg(stockIcon('!room:example.org')),
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 7 7" shape-rendering="crispEdges"><path fill="#e2e7f3" d="M0 0h7v7H0z"/><path fill="#3457b2" d="M3 1h1v1h-1zM2 2h1v1h-1zM3 2h1v1h-1zM4 2h1v1h-1zM1 3h1v1h-1zM2 3h1v1h-1zM4 3h1v1h-1zM5 3h1v1h-1zM1 4h1v1h-1zM3 4h1v1h-1zM5 4h1v1h-1zM1 5h1v1h-1zM3 5h1v1h-1zM5 5h1v1h-1z"/></svg>',
  )
  t.notDeepEqual(stockIcon('!a'), stockIcon('!b'))
  for (const row of stockIcon('@user:example.org').rows) t.deepEqual(row, row.toReversed())
})

testDatabases(test, 'rooms and users have icons, or the avatar that is set', async (t, _, config) => {
  const server = await startTestServer({ database: config })
  t.teardown(server.close)
  const [alice, bob] = [await registerPerson(server, 'alice'), await registerPerson(server, 'bob')]
  const room = await alice.createRoom()
  const get = (path: string, person = alice, headers = {}) =>
    server.request('GET', `/_matrix/client/v1/chat.tessera/${path}`, { token: person.accessToken, headers })
  const icon = await get(`rooms/${room}/icon`)
  t.is(icon.headers['content-type'], 'image/svg+xml')
  t.regex(String(icon.headers['content-security-policy']), /^sandbox/)
  t.is(icon.body, iconSvg(stockIcon(room)))
  t.is((await get(`rooms/${room}/icon`, alice, { 'if-none-match': icon.headers.etag })).status, 304)
  const png = await get(`rooms/${room}/icon?size=64`)
  t.like(await sharp(png.bytes).metadata(), { format: 'png', width: 64, height: 64 })
  t.is((await get(`rooms/${room}/icon?size=9999`)).status, 400)
  t.is((await get(`rooms/${room}/icon`, bob)).status, 404, 'who may not see the room sees no icon')
  t.is((await get(`users/${bob.userId}/icon`)).body, iconSvg(stockIcon(bob.userId)))

  await alice.setState(room, 'm.room.avatar', { url: 'mxc://localhost/abc' })
  await bob.put(`/profile/${bob.userId}/avatar_url`, { avatar_url: 'mxc://localhost/def' })
  const thumbnail = (id: string, size: number) =>
    `/_matrix/client/v1/media/thumbnail/localhost/${id}?width=${size}&height=${size}&method=crop`
  const redirect = await get(`rooms/${room}/icon`)
  t.deepEqual([redirect.status, redirect.headers.location], [307, thumbnail('abc', 96)])
  t.is((await get(`users/${bob.userId}/icon?size=32`)).headers.location, thumbnail('def', 32))
})

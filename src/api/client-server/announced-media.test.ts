import test from 'ava'
import { testDatabases } from '../../test-kit/database.ts'
import { eventually } from '../../test-kit/eventually.ts'
import { codeOf } from '../../test-kit/http.ts'
import { CLIENT, mediaWorld, upload } from '../../test-kit/media.ts'

testDatabases(test, 'files can be announced, waited for, and uploaded later', async (t, _, config) => {
  const world = await mediaWorld(t, config, { max_pending_uploads: 2 })
  const { server, alice, bob, clock } = world
  const create = async (person = alice) => {
    const answer = await server.request('POST', '/_matrix/media/v1/create', { token: person.accessToken })
    const { content_uri, unused_expires_at } = answer.body as Record<string, unknown>
    return { ...answer, expires: unused_expires_at, id: String(content_uri).slice('mxc://localhost/'.length) }
  }
  const put = (id: string, person = alice, origin = 'localhost') =>
    server.request('PUT', `/_matrix/media/v3/upload/${origin}/${id}`, {
      token: person.accessToken,
      body: 'late',
      headers: { 'content-type': 'text/plain' },
    })
  const get = (id: string, timeout: number) =>
    server.request('GET', `${CLIENT}/download/localhost/${id}?timeout_ms=${timeout}`, {
      token: bob.accessToken,
    })

  const first = await create()
  t.is(first.expires, clock.now() + 86_400_000)
  t.is(codeOf(await get(first.id, 0)), '504 M_NOT_YET_UPLOADED')
  const asleep = clock.sleeping
  const waiting = get(first.id, 10_000)
  await eventually('the request waits', () => clock.sleeping > asleep)
  t.is(codeOf(await put(first.id, bob)), '403 M_FORBIDDEN')
  t.is(codeOf(await put(first.id, alice, 'other.test')), '404 M_NOT_FOUND')
  t.is((await put(first.id)).status, 200)
  t.is((await waiting).body, 'late')
  t.is(codeOf(await put(first.id)), '409 M_CANNOT_OVERWRITE_MEDIA')
  t.is(codeOf(await put('nothing')), '404 M_NOT_FOUND')
  const plain = await upload(world, alice, 'x')
  t.is(codeOf(await put(plain.id)), '409 M_CANNOT_OVERWRITE_MEDIA')

  const second = await create()
  await create()
  t.is(codeOf(await create()), '429 M_LIMIT_EXCEEDED')
  t.is((await create(bob)).status, 200)
  const vain = get(second.id, 5_000)
  await eventually('the wait ends', async () => {
    await clock.advance(1_000)
    return (await Promise.race([vain, Promise.resolve(undefined)])) !== undefined
  })
  t.is(codeOf(await vain), '504 M_NOT_YET_UPLOADED')
  await clock.leap(86_400_000)
  t.is(codeOf(await put(second.id)), '404 M_NOT_FOUND', 'expired')
  t.is(codeOf(await get(second.id, 0)), '404 M_NOT_FOUND')
  t.is((await create()).status, 200, 'what has expired does not count')
})

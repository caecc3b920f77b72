import test from 'ava'
import type { UntypedCall } from '../../http/endpoint.ts'
import type { Services } from '../../services/index.ts'
import { USAGE_ORDERS } from '../../storage/media/media-catalogue.ts'
import { administeredPeople } from '../../test-kit/administered-people.ts'
import { testDatabases } from '../../test-kit/database.ts'
import { codeOf } from '../../test-kit/http.ts'
import type { Person } from '../../test-kit/person.ts'
import { getContentAuthed } from '../client-server/getContentAuthed.ts'

const path = encodeURIComponent

testDatabases(test, 'files are hidden, kept and deleted', async (t, _, database) => {
  const { ask, code, server, root, ann, bob } = await administeredPeople(t, database)
  const upload = async (who: Person, content: string): Promise<string> => {
    const options = { token: who.accessToken, body: content, headers: { 'content-type': 'text/plain' } }
    const { body } = await server.request('POST', '/_matrix/media/v3/upload?filename=a.txt', options)
    return (body as { content_uri: string }).content_uri.slice('mxc://localhost/'.length)
  }
  const download = async (mediaId: string, query = '', who = ann): Promise<string> => {
    const target = `/_matrix/client/v1/media/download/localhost/${mediaId}${query}`
    const answer = await server.request('GET', target, { token: who.accessToken })
    return answer.status === 200 ? 'here' : codeOf(answer)
  }
  const [one, two] = [await upload(ann, 'one'), await upload(bob, 'two')]
  const room = await ann.createRoom()
  await ann.say(room, 'a file', { msgtype: 'm.file', url: `mxc://localhost/${one}` })
  await ann.say(room, 'another', { msgtype: 'm.file', url: 'mxc://elsewhere.test/x' })

  const info = `/v1/media/localhost/${one}`
  const facts = {
    user_id: ann.userId,
    media_id: one,
    media_type: 'text/plain',
    media_length: 3,
    upload_name: 'a.txt',
  }
  t.like(await ask('GET', info), { media_info: { ...facts, media_origin: null, quarantined_by: null } })
  t.is(await code('GET', '/v1/media/localhost/none'), '404 M_NOT_FOUND')
  t.deepEqual(await ask('GET', `/v1/room/${path(room)}/media`), {
    local: [`mxc://localhost/${one}`],
    remote: ['mxc://elsewhere.test/x'],
  })

  const ofRoom = `/v1/room/${path(room)}/media/quarantine`
  t.deepEqual(await ask('POST', `/v1/media/protect/${one}`), {})
  t.is(await code('POST', '/v1/media/protect/none'), '404 M_NOT_FOUND')
  t.deepEqual(await ask('POST', ofRoom), { num_quarantined: 1 }, 'what is elsewhere')
  t.is(await download(one), 'here')
  await ask('POST', `/v1/media/unprotect/${one}`)
  t.deepEqual(await ask('POST', `/v1/quarantine_media/${path(room)}`), { num_quarantined: 2 })
  t.is(await download(one), '404 M_NOT_FOUND')
  const thumbnail = `/_matrix/client/v1/media/thumbnail/localhost/${one}?width=32&height=32`
  const small = async () => codeOf(await server.request('GET', thumbnail, { token: ann.accessToken }))
  t.is(await small(), '404 M_NOT_FOUND')
  t.is(await download(one, '?admin_unsafely_bypass_quarantine=true'), '403 M_FORBIDDEN')
  t.is(await download(one, '?admin_unsafely_bypass_quarantine=true', root), 'here')
  t.like(await ask('GET', info), { media_info: { quarantined_by: root.userId, safe_from_quarantine: false } })
  const again = await upload(bob, 'one')
  t.is(await download(again), '404 M_NOT_FOUND', 'the same content comes in under no other name')
  await ask('POST', `/v1/media/unquarantine/localhost/${one}`)
  t.deepEqual([await download(one), await download(again)], ['here', 'here'])
  t.is(await small(), '400 M_UNKNOWN', 'no picture')
  t.deepEqual(await ask('POST', `/v1/user/${path(bob.userId)}/media/quarantine`), { num_quarantined: 3 })
  t.is(await download(two), '404 M_NOT_FOUND')
  t.deepEqual(await ask('POST', `/v1/media/unquarantine/localhost/${one}`), {})
  t.is(await code('POST', '/v1/media/quarantine/localhost/..'), '400 M_INVALID_PARAM')

  for (const order of Object.keys(USAGE_ORDERS)) {
    for (const dir of ['f', 'b']) {
      const { users } = await ask('GET', `/v1/statistics/users/media?order_by=${order}&dir=${dir}`)
      t.is((users as unknown[]).length, 2, order)
    }
  }
  t.deepEqual(await ask('GET', '/v1/statistics/users/media?order_by=media_length&dir=b&limit=1'), {
    ...{ users: [{ user_id: bob.userId, displayname: 'bob', media_count: 2, media_length: 6 }] },
    ...{ total: 2, next_token: 1 },
  })
  t.is((await ask('GET', '/v1/statistics/users/media?search_term=ANN'))['total'], 1)
  t.is((await ask('GET', '/v1/statistics/users/media?until_ts=5'))['total'], 0)
  t.is(await code('GET', '/v1/statistics/users/media?from_ts=5&until_ts=5'), '400 M_INVALID_PARAM')

  t.deepEqual(await ask('DELETE', info), { deleted_media: [one], total: 1 })
  t.is(await code('DELETE', info), '404 M_NOT_FOUND')
  t.is(await code('DELETE', `/v1/media/elsewhere.test/${one}`), '400 M_INVALID_PARAM')
  const later = Date.now() + 60_000
  await bob.put(`/profile/${path(bob.userId)}/avatar_url`, { avatar_url: `mxc://localhost/${again}` })
  const old = `before_ts=${later}&size_gt=0`
  t.deepEqual(
    await ask('POST', `/v1/media/delete?${old}`),
    { deleted_media: [], total: 0 },
    'hidden, or a picture',
  )
  t.deepEqual(await ask('POST', `/v1/media/localhost/delete?${old}&keep_profiles=false`), {
    ...{ deleted_media: [again], total: 1 },
  })
  t.is(await code('POST', '/v1/media/delete?before_ts=5'), '400 M_INVALID_PARAM')
  t.deepEqual(await ask('POST', `/v1/purge_media_cache?before_ts=${later}`), { deleted: 0 })
  t.is(await code('POST', '/v1/purge_media_cache'), '400 M_MISSING_PARAM')
})

test('a client that may not administer the server is shown nothing hidden, though its user may', async t => {
  const call = {
    requester: { isAdmin: false, oauthClientId: 'client' },
    path: { serverName: 'localhost', mediaId: 'x' },
    query: { admin_unsafely_bypass_quarantine: true },
  }
  const looking = getContentAuthed.handle(call as unknown as UntypedCall, {} as Services)
  await t.throwsAsync(looking, { message: /was given leave to/ })
})

import test from 'ava'
import { PusherReader, PusherWriter } from '../../storage/push/pushers.ts'
import { testDatabases } from '../../test-kit/database.ts'
import type { Person } from '../../test-kit/person.ts'
import { gatewayWorld, pusher } from '../../test-kit/push-gateway.ts'
import { TEST_PASSWORD } from '../../test-kit/server.ts'

type Json = Record<string, unknown>

testDatabases(
  test,
  'pushers are set, listed, taken over and go with their device',
  async (t, beside, database) => {
    const { server, gateway, alice, bob } = await gatewayWorld(t, database)
    const { url } = gateway
    const list = async (who: Person): Promise<Json[]> => (await who.get('/pushers'))['pushers'] as Json[]
    const set = (who: Person, more: Json = {}): Promise<string> =>
      who.code('POST', '/pushers/set', pusher(url, more))
    t.deepEqual(await list(bob), [])
    t.is(await set(bob), '200 -')
    t.deepEqual(await list(bob), [pusher(url)])
    t.is(await set(bob, { lang: 'en' }), '200 -')
    t.deepEqual(await list(bob), [pusher(url, { lang: 'en' })])
    t.is(await set(alice, { append: true }), '200 -')
    t.is((await list(bob)).length, 1)
    t.is(await set(alice), '200 -')
    t.deepEqual([(await list(alice)).length, (await list(bob)).length], [1, 0])
    t.is(
      await alice.code('POST', '/pushers/set', { app_id: 'test.app', pushkey: 'KEY', kind: null }),
      '200 -',
    )
    t.deepEqual(await list(alice), [])

    for (const data of [{ url: url.replace('https', 'http') }, { url: 'nowhere' }, { url: `${url}/else` }]) {
      t.is(await set(bob, { data }), '400 M_INVALID_PARAM', data.url)
    }
    for (const wrong of [{ kind: 'pigeon' }, { pushkey: 'x'.repeat(513) }, { app_id: 'x'.repeat(65) }]) {
      t.is(await set(bob, wrong), '400 M_INVALID_PARAM')
    }
    for (const missing of [
      'lang',
      'data',
      'app_display_name',
      'device_display_name',
      'app_id',
      'pushkey',
      'kind',
    ]) {
      const { [missing]: __, ...rest } = pusher(url)
      t.is(await bob.code('POST', '/pushers/set', rest), '400 M_MISSING_PARAM', missing)
    }
    t.is(await set(bob, { data: {} }), '400 M_MISSING_PARAM')

    const other = await server.login('bob')
    const asOther = { token: other.accessToken, json: pusher(url, { pushkey: 'OTHER' }) }
    await server.request('POST', '/_matrix/client/v3/pushers/set', asOther)
    t.is(await set(bob), '200 -')
    t.is((await list(bob)).length, 2)
    const auth = {
      type: 'm.login.password',
      identifier: { type: 'm.id.user', user: 'bob' },
      password: TEST_PASSWORD,
    }
    t.is(
      await bob.code('POST', '/account/password', { new_password: 'another good password', auth }),
      '200 -',
    )
    t.deepEqual(
      (await list(bob)).map(one => one['pushkey']),
      ['KEY'],
      'only that of the device that changed the password is left',
    )
    await bob.post('/logout')
    const again = await server.login('bob', 'another good password')
    const left = await server.request('GET', '/_matrix/client/v3/pushers', { token: again.accessToken })
    t.deepEqual(left.body, { pushers: [] })

    // As one that a service has set.
    const [read, write] = [new PusherReader(beside), new PusherWriter(beside)]
    const row = {
      ...{ userId: bob.userId, appId: 'service', pushkey: 'KEY', kind: 'http', deviceId: undefined },
      ...{ appDisplayName: 'A', deviceDisplayName: 'D', profileTag: undefined, lang: 'en' },
      ...{ data: JSON.stringify({ url }), updatedTs: 1, eventPosition: 0, invitePosition: 0 },
    }
    await beside.commit({ statements: [write.set(row)] })
    const renewed = { ...auth, password: 'another good password' }
    const json = { auth: renewed }
    await server.request('POST', '/_matrix/client/v3/account/deactivate', { token: again.accessToken, json })
    t.deepEqual(await read.ofUser(bob.userId), [], 'with an account all of them go')
  },
)

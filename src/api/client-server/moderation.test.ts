import test from 'ava'
import { registerAdmin } from '../../test-kit/admin.ts'
import { type Person, personOf, registerPerson } from '../../test-kit/person.ts'
import { type RunningTestServer, startTestServer, TEST_PASSWORD } from '../../test-kit/server.ts'

const path = encodeURIComponent
const SECRET = 'between us'
const V1 = '/_matrix/client/v1/admin'

let server: RunningTestServer
let admin: Person

test.before(async () => {
  server = await startTestServer({ settings: { registration: { mode: 'open', shared_secret: SECRET } } })
  admin = personOf(server, await registerAdmin(server, 'root', SECRET))
})
test.after.always(() => server.close())

const lock = (userId: string, locked: boolean) => admin.put(`${V1}/lock/${path(userId)}`, { locked })
const suspend = (userId: string, suspended: boolean) =>
  admin.put(`${V1}/suspend/${path(userId)}`, { suspended })

test('only administrators moderate, only local accounts, and none of their own kind', async t => {
  const [ann, bob] = [await registerPerson(server, 'ann'), await registerPerson(server, 'bob')]
  const other = personOf(server, await registerAdmin(server, 'toor', SECRET))
  const gone = await registerPerson(server, 'gone')
  await gone.post('/account/deactivate', {
    auth: { type: 'm.login.password', user: 'gone', password: TEST_PASSWORD },
  })
  t.like(await admin.get('/capabilities'), {
    capabilities: { 'm.account_moderation': { suspend: true, lock: true } },
  })
  t.false('m.account_moderation' in ((await ann.get('/capabilities'))['capabilities'] as object))
  for (const [kind, body] of [
    ['lock', { locked: true }],
    ['suspend', { suspended: true }],
  ] as const) {
    const of = (userId: string) => `${V1}/${kind}/${path(userId)}`
    for (const [person, userId, code] of [
      [ann, bob.userId, '403 M_FORBIDDEN'],
      [ann, '@nobody:localhost', '403 M_FORBIDDEN'],
      [ann, '@x:elsewhere.test', '403 M_FORBIDDEN'],
      [admin, '@x:elsewhere.test', '400 M_INVALID_PARAM'],
      [admin, '@nobody:localhost', '404 M_NOT_FOUND'],
      [admin, gone.userId, '404 M_NOT_FOUND'],
      [admin, other.userId, '403 M_FORBIDDEN'],
    ] as const) {
      t.is(await person.code('GET', of(userId)), code, `GET ${kind} ${userId}`)
      t.is(await person.code('PUT', of(userId), body), code, `PUT ${kind} ${userId}`)
    }
    const off = Object.fromEntries(Object.keys(body).map(name => [name, false]))
    t.deepEqual(await admin.get(of(admin.userId)), off)
    t.is(await admin.code('PUT', of(admin.userId), body), '403 M_FORBIDDEN', 'nor themselves')
    t.is(await admin.code('PUT', of(ann.userId), {}), '400 M_MISSING_PARAM')
    t.deepEqual(await admin.put(of(ann.userId), body), body)
    t.deepEqual(await admin.get(of(ann.userId)), body)
    t.deepEqual(await admin.put(of(ann.userId), off), off)
    t.deepEqual(await admin.get(of(ann.userId)), off)
  }
})

test('who is locked out can only leave; everything is there when it ends', async t => {
  const carol = await registerPerson(server, 'carol')
  const room = await carol.createRoom()
  await lock(carol.userId, true)
  const refused = await carol.request('GET', '/sync')
  t.is(refused.status, 401)
  t.like(refused.body, { errcode: 'M_USER_LOCKED', soft_logout: true })
  for (const [method, target] of [
    ['GET', '/account/whoami'],
    ['GET', '/capabilities'],
    ['POST', '/createRoom'],
    ['GET', `/rooms/${path(room)}/state`],
  ] as const) {
    t.is(await carol.code(method, target, method === 'POST' ? {} : undefined), '401 M_USER_LOCKED', target)
  }
  const login = { type: 'm.login.password', user: 'carol', password: TEST_PASSWORD }
  t.is(await admin.code('POST', '/login', login), '401 M_USER_LOCKED')
  const withoutToken = { method: 'POST', headers: { 'content-type': 'application/json' } }
  const reset = await fetch(`${server.url}/_matrix/client/v3/account/password`, {
    ...withoutToken,
    body: JSON.stringify({ new_password: 'a new password', auth: login }),
  })
  t.like(await reset.json(), { errcode: 'M_USER_LOCKED', soft_logout: true })
  await lock(carol.userId, false)
  t.is((await carol.get('/account/whoami'))['user_id'], carol.userId, 'the session has outlived it')
  await lock(carol.userId, true)
  await carol.post('/logout/all')
  t.is(await carol.code('GET', '/account/whoami'), '401 M_UNKNOWN_TOKEN')
})

test('who is suspended may read, leave and clean up, and nothing that others notice', async t => {
  const [dave, erin] = [await registerPerson(server, 'dave'), await registerPerson(server, 'erin')]
  const room = await erin.createOpenRoom({
    power_level_content_override: { users: { [erin.userId]: 100, [dave.userId]: 50 } },
    room_version: '11',
  })
  const invitation = await erin.createRoom({ invite: [dave.userId] })
  await dave.join(room)
  const [own, others] = [await dave.say(room, 'hello'), await erin.say(room, 'hi')]
  const open = await erin.createOpenRoom()
  await suspend(dave.userId, true)
  const rooms = `/rooms/${path(room)}`
  for (const [method, target, json] of [
    ['PUT', `${rooms}/send/m.room.message/s1`, { msgtype: 'm.text', body: 'x' }],
    ['PUT', `${rooms}/send/m.reaction/s2`, {}],
    ['PUT', `${rooms}/redact/${path(others)}/s3`, {}],
    ['PUT', `${rooms}/send/m.room.redaction/s4`, { redacts: others }],
    ['PUT', `${rooms}/state/m.room.topic/`, { topic: 'x' }],
    ['PUT', `${rooms}/state/m.room.member/${path(dave.userId)}`, { membership: 'join', displayname: 'x' }],
    ['PUT', `${rooms}/state/m.room.topic/?org.matrix.msc4140.delay=1000`, { topic: 'x' }],
    ['POST', `/join/${path(open)}`, {}],
    ['POST', `/rooms/${path(invitation)}/join`, {}],
    ['POST', `/knock/${path(open)}`, {}],
    ['POST', `${rooms}/invite`, { user_id: erin.userId }],
    ['POST', `${rooms}/kick`, { user_id: erin.userId }],
    ['POST', '/createRoom', {}],
    ['PUT', `/profile/${path(dave.userId)}/displayname`, { displayname: 'x' }],
    ['DELETE', `/profile/${path(dave.userId)}/displayname`, undefined],
    ['PUT', `${rooms}/typing/${path(dave.userId)}`, { typing: true }],
    ['POST', '/account/3pid/delete', { medium: 'email', address: 'a@b.c' }],
  ] as const) {
    t.is(await dave.code(method, target, json), '403 M_USER_SUSPENDED', target)
  }
  await dave.get('/sync')
  await dave.get(`${rooms}/messages?dir=b`)
  await dave.redact(room, own)
  await dave.put(`${rooms}/send/m.room.redaction/s5`, { redacts: own })
  await dave.post('/keys/upload', {})
  await dave.leave(invitation)
  await dave.put(`${rooms}/state/m.room.member/${path(dave.userId)}`, { membership: 'leave' })
  const { accessToken } = await server.login('dave')
  const second = personOf(server, { userId: dave.userId, accessToken })
  t.is(await second.code('POST', '/createRoom', {}), '403 M_USER_SUSPENDED', 'a new session as well')
  await suspend(dave.userId, false)
  await second.createRoom()
})

test('who is suspended does to others’ invitations, reactions and view of them no more than to anything else of theirs', async t => {
  const [hank, iris] = [await registerPerson(server, 'hank'), await registerPerson(server, 'iris')]
  const jack = await registerPerson(server, 'jack')
  const room = await iris.createOpenRoom({
    power_level_content_override: { users: { [iris.userId]: 100, [hank.userId]: 50 } },
    room_version: '11',
  })
  await hank.join(room)
  const own = await hank.say(room, 'hello')
  const relation = { rel_type: 'm.annotation', event_id: own, key: 'x' }
  const theirs = await iris.send(room, 'm.reaction', { 'm.relates_to': relation })
  const mine = await hank.send(room, 'm.reaction', { 'm.relates_to': { ...relation, key: 'y' } })
  await iris.invite(room, jack.userId)
  await hank.invite(room, admin.userId)
  const status = `/presence/${path(hank.userId)}/status`
  await hank.put(status, { presence: 'online', status_msg: 'as before' })
  await suspend(hank.userId, true)

  const invitation = (userId: string) =>
    `/_matrix/client/v1/chat.tessera/invitations/${path(room)}/${path(userId)}`
  t.is(await hank.code('DELETE', invitation(jack.userId)), '403 M_USER_SUSPENDED')
  t.is(await hank.code('DELETE', invitation('@nobody:localhost')), '404 M_NOT_FOUND')
  t.is(await hank.code('DELETE', invitation(admin.userId)), '200 -', 'one of their own')
  const membershipOf = async (userId: string) =>
    (await iris.get(`/rooms/${path(room)}/state/m.room.member/${path(userId)}`))['membership']
  t.deepEqual([await membershipOf(jack.userId), await membershipOf(admin.userId)], ['invite', 'leave'])

  t.is(await hank.code('PUT', status, { presence: 'online', status_msg: 'news' }), '403 M_USER_SUSPENDED')
  await hank.put(status, { presence: 'online', status_msg: 'as before' })
  t.is((await iris.get(status))['status_msg'], 'as before')
  await hank.put(status, { presence: 'unavailable' })
  t.is((await iris.get(status))['status_msg'], undefined)

  await hank.put(`/rooms/${path(room)}/redact/${path(own)}/r1`, { with_rel_types: ['*'] })
  const contentOf = async (eventId: string) =>
    (await iris.get(`/rooms/${path(room)}/event/${path(eventId)}`))['content']
  t.deepEqual([await contentOf(own), await contentOf(mine)], [{}, {}])
  t.notDeepEqual(await contentOf(theirs), {}, 'what others have said is not theirs to take away')
})

test('whois tells users about themselves, and administrators about everybody', async t => {
  const [fred, gina] = [await registerPerson(server, 'fred'), await registerPerson(server, 'gina')]
  const whois = (userId: string) => `/admin/whois/${path(userId)}`
  for (const person of [fred, admin]) {
    const { user_id: userId, devices } = await person.get(whois(fred.userId))
    t.is(userId, fred.userId)
    const [device] = Object.values(devices as Record<string, { sessions: { connections: object[] }[] }>)
    t.is(device?.sessions.length, 1)
  }
  t.is(await gina.code('GET', whois(fred.userId)), '403 M_FORBIDDEN')
  t.is(await admin.code('GET', whois('@nobody:localhost')), '404 M_NOT_FOUND')
  t.is(await admin.code('GET', whois('@x:elsewhere.test')), '400 M_INVALID_PARAM')
})

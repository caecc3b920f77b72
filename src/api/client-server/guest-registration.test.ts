import test from 'ava'
import { bodyOf, openAccounts as open, PASSWORD } from '../../test-kit/accounts.ts'
import { codeOf } from '../../test-kit/http.ts'

const DUMMY = { type: 'm.login.dummy' }

test('guests, where they are wanted, can do little', async t => {
  const { post, send } = await open(t, { registration: { guests: true } })
  const body = { initial_device_display_name: 'Visitor', device_id: 'MINE', username: ['me'], password: 1 }
  const guest = bodyOf(await post('/register?kind=guest', body))
  t.not(guest.device_id, 'MINE')
  t.notRegex(guest.user_id, /@me:/)
  const token = guest.access_token
  t.like(bodyOf(await send('GET', '/account/whoami', token)), { is_guest: true })
  t.like(bodyOf(await send('GET', '/capabilities', token)), {
    capabilities: {
      'm.change_password': { enabled: false },
      'm.profile_fields': { allowed: ['displayname'] },
    },
  })
  t.is((await send('PUT', `/profile/${guest.user_id}/displayname`, token, { displayname: 'G' })).status, 200)
  const avatar = await send('PUT', `/profile/${guest.user_id}/avatar_url`, token, {
    avatar_url: 'mxc://x.y/z',
  })
  t.is(codeOf(avatar), '403 M_GUEST_ACCESS_FORBIDDEN')
  t.is(
    codeOf(await post('/account/password', { new_password: PASSWORD }, token)),
    '403 M_GUEST_ACCESS_FORBIDDEN',
  )
})

test('a guest becomes an ordinary user, and keeps who they are', async t => {
  const { post, send } = await open(t, { registration: { mode: 'open', guests: true } })
  const guest = bodyOf(await post('/register?kind=guest', {}))
  const other = bodyOf(await post('/register?kind=guest', {}))
  const username = guest.user_id.slice(1, guest.user_id.indexOf(':'))
  const request = { username, password: PASSWORD, guest_access_token: guest.access_token, auth: DUMMY }
  const { username: _, ...unnamed } = request
  const user = bodyOf(await post('/register', { username: 'user', password: PASSWORD, auth: DUMMY }))
  for (const [body, code] of [
    [{ ...request, guest_access_token: 'x' }, '403 M_FORBIDDEN'],
    [{ ...request, guest_access_token: user.access_token }, '403 M_FORBIDDEN'],
    [{ ...request, guest_access_token: other.access_token }, '400 M_INVALID_USERNAME'],
    [{ ...request, username: 'other' }, '400 M_INVALID_USERNAME'],
    [unnamed, '400 M_MISSING_PARAM'],
    [{ ...request, guest_access_token: undefined }, '400 M_USER_IN_USE'],
  ] as const) {
    t.is(codeOf(await post('/register', body)), code)
  }
  await send('PUT', `/profile/${guest.user_id}/displayname`, guest.access_token, { displayname: 'G' })
  const upgraded = await post('/register', request)
  t.is(upgraded.status, 200)
  t.is(bodyOf(upgraded).user_id, guest.user_id)
  t.is(codeOf(await send('GET', '/account/whoami', guest.access_token)), '401 M_UNKNOWN_TOKEN')
  const token = bodyOf(upgraded).access_token
  t.like(bodyOf(await send('GET', '/account/whoami', token)), { is_guest: false })
  t.deepEqual((await send('GET', `/profile/${guest.user_id}`, token)).body, { displayname: 'G' })
  t.is((await post('/login', { type: 'm.login.password', user: username, password: PASSWORD })).status, 200)

  const name = other.user_id.slice(1, other.user_id.indexOf(':'))
  const silent = await post('/register', {
    ...{ username: name, password: PASSWORD, guest_access_token: other.access_token, auth: DUMMY },
    inhibit_login: true,
  })
  t.is(silent.status, 200)
  t.like(bodyOf(await send('GET', '/account/whoami', other.access_token)), { is_guest: false })
})

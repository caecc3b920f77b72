import test from 'ava'
import { bodyOf, openAccounts, PASSWORD, recordingMailer } from '../../test-kit/accounts.ts'
import { codeOf } from '../../test-kit/http.ts'

const EMAIL = 'm.login.email.identity'

test('whoever has a token of somebody’s sets no password by an address of their own', async t => {
  const mailer = recordingMailer()
  const { accounts, post, register } = await openAccounts(t, { registration: { mode: 'open' }, mailer })
  const { access_token: stolen } = await register('alice')
  const { access_token: own } = await register('mallory')
  const confirmed = async (purpose: 'add' | 'password') => {
    const request = { client_secret: 's', email: 'mallory@example.org', send_attempt: 1 }
    const { sid } = await accounts.emails.request(purpose, request)
    await accounts.emails.confirm(mailer.token)
    return { sid, client_secret: 's' }
  }
  const auth = {
    type: 'm.login.password',
    identifier: { type: 'm.id.user', user: 'mallory' },
    password: PASSWORD,
  }
  t.is((await post('/account/3pid/add', { ...(await confirmed('add')), auth }, own)).status, 200)

  const wish = { new_password: 'mallory knows it' }
  const { session } = bodyOf(await post('/account/password', wish, stolen))
  const threepid_creds = await confirmed('password')
  const attempt = { ...wish, auth: { type: EMAIL, threepid_creds, session } }
  t.is(codeOf(await post('/account/password', attempt)), '401 M_FORBIDDEN')
  t.is((await post('/login', { type: 'm.login.password', user: 'alice', password: PASSWORD })).status, 200)
})

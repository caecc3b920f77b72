import test, { type ExecutionContext } from 'ava'
import { bodyOf } from '../../test-kit/accounts.ts'
import type { TestRequest } from '../../test-kit/http.ts'
import { codeOf } from '../../test-kit/http.ts'
import { type MailSink, openMailSink } from '../../test-kit/mail-sink.ts'
import { type RunningTestServer, startTestServer, TEST_PASSWORD } from '../../test-kit/server.ts'

const DUMMY = { type: 'm.login.dummy' }
const SECRET = 'a-secret'
const FORM = { 'content-type': 'application/x-www-form-urlencoded' }

let sink: MailSink
let server: RunningTestServer

test.before(async () => {
  sink = await openMailSink()
  server = await startTestServer({
    settings: {
      email: sink.settings,
      registration: {
        mode: 'open',
        terms: { tos: { version: '2', languages: { en: { name: 'Terms', url: 'https://example.org/t' } } } },
      },
    },
  })
})
test.after.always(async () => {
  await server.close()
  await sink.close()
})

const send = (method: string, path: string, options: TestRequest = {}) =>
  server.request(method, `/_matrix/client/v3${path}`, options)
const post = (path: string, json: unknown, token?: string) =>
  send('POST', path, { json, ...(token === undefined ? {} : { token }) })

const asked = async (path: string, email: string, more: object = {}) => {
  const response = await post(`${path}/email/requestToken`, {
    ...{ client_secret: SECRET, email, send_attempt: 1 },
    ...more,
  })
  return { sid: String(bodyOf(response)['sid']), client_secret: SECRET }
}

/** Follows the link of the next mail, and confirms. */
const confirm = async (t: ExecutionContext, email: string) => {
  const mail = await sink.next()
  t.deepEqual(mail.to, [email])
  const link = /http\S+/.exec(mail.text)?.[0] ?? ''
  const { pathname, search, searchParams } = new URL(link)
  const page = await server.request('GET', pathname + search)
  t.is(page.status, 200)
  t.true(String(page.body).includes(email))
  const body = `token=${encodeURIComponent(searchParams.get('token') ?? '')}`
  return server.request('POST', pathname, { body, headers: FORM })
}

const passwordOf = (account: object, password: string) => ({
  ...{ type: 'm.login.password', password },
  ...account,
})

test.serial(
  'registering with an address, which then logs in, resets the password, and can be removed',
  async t => {
    const probe = await post('/register', { username: 'carol', password: TEST_PASSWORD })
    const terms = { type: 'm.login.terms' }
    t.deepEqual(bodyOf(probe).flows, [
      { stages: ['m.login.terms', 'm.login.dummy'] },
      { stages: ['m.login.terms', 'm.login.email.identity'] },
    ])
    t.deepEqual(bodyOf(probe)['params'], {
      'm.login.terms': {
        policies: { tos: { version: '2', en: { name: 'Terms', url: 'https://example.org/t' } } },
      },
    })
    const { session } = bodyOf(probe)
    const register = (auth: object) =>
      post('/register', { username: 'carol', password: TEST_PASSWORD, auth: { session, ...auth } })
    const threepid_creds = await asked('/register', 'Carol@Example.org')
    const email = { type: 'm.login.email.identity', threepid_creds }
    t.is(codeOf(await register(email)), '401 M_FORBIDDEN', 'not the next stage')
    t.deepEqual(bodyOf(await register(terms))['completed'], ['m.login.terms'])
    t.is(codeOf(await register(email)), '401 M_UNAUTHORIZED', 'Element shows no error while it waits')
    t.is((await confirm(t, 'carol@example.org')).status, 200)
    const made = await register(email)
    t.is(made.status, 200)
    const token = bodyOf(made).access_token
    const listed = await send('GET', '/account/3pid', { token })
    t.like(listed.body, { threepids: [{ medium: 'email', address: 'carol@example.org' }] })

    const identifier = { type: 'm.id.thirdparty', medium: 'email', address: 'CAROL@example.org' }
    for (const named of [
      { identifier },
      { identifier: { medium: 'email', address: 'carol@example.org' } },
      { medium: 'email', address: 'carol@example.org' },
    ]) {
      t.is((await post('/login', passwordOf(named, TEST_PASSWORD))).status, 200)
      t.is(codeOf(await post('/login', passwordOf(named, 'wrong'))), '403 M_FORBIDDEN')
    }
    const phone = { type: 'm.id.phone', country: 'GB', phone: '07700900001' }
    const nobody = { ...identifier, address: 'nobody@example.org' }
    for (const other of [phone, nobody, { ...identifier, medium: 'msisdn' }]) {
      t.is(codeOf(await post('/login', passwordOf({ identifier: other }, TEST_PASSWORD))), '403 M_FORBIDDEN')
    }

    const request = { new_password: 'a whole new password', logout_devices: true }
    const challenge = await post('/account/password', request)
    t.deepEqual(bodyOf(challenge).flows, [
      { stages: ['m.login.password'] },
      { stages: ['m.login.email.identity'] },
    ])
    const creds = await asked('/account/password', 'carol@example.org')
    const auth = { type: 'm.login.email.identity', threepid_creds: creds, session: bodyOf(challenge).session }
    t.is(codeOf(await post('/account/password', { ...request, auth })), '401 M_UNAUTHORIZED')
    const forRegistration = { ...auth, threepid_creds }
    t.is(
      codeOf(await post('/account/password', { ...request, auth: forRegistration })),
      '401 M_THREEPID_AUTH_FAILED',
    )
    await confirm(t, 'carol@example.org')
    t.is((await post('/account/password', { ...request, auth })).status, 200)
    t.is(
      (await post('/account/password', { ...request, auth })).status,
      200,
      'the same again, its answer was lost',
    )
    const other = { ...request, new_password: 'yet another password' }
    t.is(codeOf(await post('/account/password', { ...other, auth })), '403 M_FORBIDDEN')
    const { session: _, ...without } = auth
    t.is(codeOf(await post('/account/password', { ...other, auth: without })), '401 M_THREEPID_AUTH_FAILED')
    t.is(codeOf(await send('GET', '/account/whoami', { token })), '401 M_UNKNOWN_TOKEN')

    const again = bodyOf(
      await post('/login', passwordOf({ identifier }, 'a whole new password')),
    ).access_token
    const removal = { medium: 'email', address: 'carol@EXAMPLE.org' }
    const removed = await post('/account/3pid/delete', removal, again)
    t.deepEqual(removed.body, { id_server_unbind_result: 'no-support' })
    t.deepEqual((await send('GET', '/account/3pid', { token: again })).body, { threepids: [] })
    t.is(codeOf(await post('/login', passwordOf({ identifier }, 'a whole new password'))), '403 M_FORBIDDEN')
  },
)

test.serial('adding an address takes the password and the confirmation', async t => {
  const probe = bodyOf(await post('/register', { username: 'dave', password: TEST_PASSWORD }))
  const terms = { type: 'm.login.terms', session: probe.session }
  await post('/register', { username: 'dave', password: TEST_PASSWORD, auth: terms })
  const dummy = { ...DUMMY, session: probe.session }
  const made = await post('/register', { username: 'dave', password: TEST_PASSWORD, auth: dummy })
  const token = bodyOf(made).access_token
  const capabilities = await send('GET', '/capabilities', { token })
  t.like(capabilities.body, { capabilities: { 'm.3pid_changes': { enabled: true } } })

  const credentials = await asked('/account/3pid', 'dave@example.org', {
    next_link: 'https://app.example/done',
  })
  const { session } = bodyOf(await post('/account/3pid/add', credentials, token))
  const identifier = { type: 'm.id.user', user: 'dave' }
  const auth = { type: 'm.login.password', identifier, password: TEST_PASSWORD, session }
  t.is(codeOf(await post('/account/3pid/add', { ...credentials, auth }, token)), '400 M_THREEPID_AUTH_FAILED')
  const confirmed = await confirm(t, 'dave@example.org')
  t.is(confirmed.status, 303)
  t.is(confirmed.headers.location, 'https://app.example/done')
  for (const _ of ['added', 'again']) {
    t.is((await post('/account/3pid/add', { ...credentials, auth }, token)).status, 200)
  }
  const page = `${server.url}/_tessera/email/confirm`
  t.is((await fetch(page, { method: 'POST', body: 'token=x', headers: FORM })).status, 403)
  const german = await fetch(`${page}?token=x`, { headers: { 'Accept-Language': 'de' } })
  t.is(german.status, 403)
  t.regex(await german.text(), /<html lang="de">.*Dieser Link funktioniert nicht/s)
})

test.serial('telephone numbers are not supported', async t => {
  const request = { client_secret: SECRET, country: 'GB', phone_number: '07700900001', send_attempt: 1 }
  for (const path of ['/register', '/account/3pid', '/account/password']) {
    const response = await post(`${path}/msisdn/requestToken`, request)
    t.is(codeOf(response), '400 M_THREEPID_MEDIUM_NOT_SUPPORTED')
    t.is(codeOf(await post(`${path}/email/requestToken`, { client_secret: SECRET })), '400 M_MISSING_PARAM')
  }
})

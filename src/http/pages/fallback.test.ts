import { createHash } from 'node:crypto'
import { runInNewContext } from 'node:vm'
import test from 'ava'
import { accountServer, bodyOf, PASSWORD, recordingMailer, SERVER_NAME } from '../../test-kit/accounts.ts'
import { testDatabase } from '../../test-kit/database.ts'
import { codeOf } from '../../test-kit/http.ts'
import { createPages } from '../pages.ts'
import type { RateLimitSettings } from '../rate-limit.ts'
import { addAuthFallback } from './auth-fallback.ts'
import { addLoginFallback } from './login-fallback.ts'

const TERMS = {
  tos: {
    version: '1',
    translations: {
      en: { name: 'Our <terms>', url: 'https://x.test/t' },
      de: { name: 'Bedingungen', url: 'https://x.test/b' },
    },
  },
}
const FORM = { 'content-type': 'application/x-www-form-urlencoded' }

const open = async (t: Parameters<typeof accountServer>[0], rateLimits: RateLimitSettings = {}) => {
  const mailer = recordingMailer()
  const parts = await accountServer(t, await testDatabase(t), {
    mailer,
    registration: { mode: 'token', terms: TERMS, email: 'required' },
    rateLimits,
    pages: (accounts, clock) => {
      const pages = createPages()
      addAuthFallback(pages, { fallback: accounts.browserStages, clock, language: 'en' })
      addLoginFallback(pages, { serverName: SERVER_NAME, passwords: true, hasSso: false, language: 'en' })
      return pages
    },
  })
  const { url } = parts.server
  const visit = async (type: string, session: string, fields?: Record<string, string>) => {
    const target = `${url}/_matrix/client/v3/auth/${type}/fallback/web?session=${encodeURIComponent(session)}`
    const body = fields === undefined ? null : new URLSearchParams(fields).toString()
    const response = await fetch(target, body === null ? {} : { method: 'POST', body, headers: FORM })
    return { status: response.status, headers: response.headers, text: await response.text() }
  }
  const register = async (auth?: object) =>
    parts.server.request('POST', '/_matrix/client/v3/register', {
      json: { username: 'alice', password: PASSWORD, ...(auth === undefined ? {} : { auth }) },
    })
  return { ...parts, mailer, visit, register }
}

const scriptOf = (text: string): string => /<script>([\s\S]*)<\/script>/.exec(text)?.[1] ?? ''

test('every stage of a registration can be passed in a browser, in order', async t => {
  const { accounts, mailer, visit, register } = await open(t)
  const { session } = bodyOf(await register())
  const { token } = await accounts.registrationTokens.create({ usesAllowed: 1 })
  t.is((await visit('m.login.terms', session, {})).status, 403, 'not the next stage')
  t.is((await visit('m.login.registration_token', 'none')).status, 404)
  t.is((await visit('m.login.dummy', session)).status, 404, 'not asked for')

  const asked = await visit('m.login.registration_token', session)
  t.is(asked.status, 200)
  t.regex(asked.text, /name="token"/)
  t.is(scriptOf(asked.text), '')
  const wrong = await visit('m.login.registration_token', session, { token: 'wrong' })
  t.is(wrong.status, 403)
  t.regex(wrong.text, /role="alert"/)
  const passed = await visit('m.login.registration_token', session, { token })
  t.is(passed.status, 200)
  const hash = createHash('sha256').update(scriptOf(passed.text)).digest('base64')
  t.true(passed.headers.get('content-security-policy')?.includes(`script-src 'sha256-${hash}'`))
  const told: unknown[] = []
  runInNewContext(scriptOf(passed.text), { window: { onAuthDone: () => told.push('called') } })
  const opener = { postMessage: (...message: unknown[]) => told.push(message) }
  runInNewContext(scriptOf(passed.text), { window: { opener } })
  t.deepEqual(told, ['called', ['authDone', '*']])
  t.deepEqual(bodyOf(await register({ session }))['completed'], ['m.login.registration_token'])
  t.not(scriptOf((await visit('m.login.registration_token', session)).text), '', 'it was passed already')

  t.regex(
    (await visit('m.login.terms', session)).text,
    /<a href="https:\/\/x.test\/t">Our &lt;terms&gt;<\/a>/,
  )
  t.is((await visit('m.login.terms', session, {})).status, 200)
  const sent = await visit('m.login.email.identity', session, { email: 'alice@example.org' })
  const field = (name: string) => new RegExp(`name="${name}" value="([^"]+)"`).exec(sent.text)?.[1] ?? ''
  const credentials = { sid: field('sid'), client_secret: field('client_secret') }
  const early = await visit('m.login.email.identity', session, credentials)
  t.is(early.status, 401)
  await accounts.emails.confirm(mailer.token)
  t.is((await visit('m.login.email.identity', session, credentials)).status, 200)
  const made = await register({ session })
  t.is(made.status, 200)
  t.like(await accounts.threepids.list(bodyOf(made).user_id), [{ address: 'alice@example.org' }])
})

test('the pages speak the language of the browser', async t => {
  const { accounts, server, register } = await open(t)
  const { session } = bodyOf(await register())
  const { token } = await accounts.registrationTokens.create({ usesAllowed: 1 })
  const headers = { ...FORM, 'accept-language': 'de-AT, en;q=0.5' }
  const visit = async (path: string, body?: string) => {
    const response = await fetch(server.url + path, { headers, ...(body && { method: 'POST', body }) })
    return response.text()
  }
  const stage = (type: string, body?: string) =>
    visit(`/_matrix/client/v3/auth/${type}/fallback/web?session=${session}`, body)
  t.regex(await stage('m.login.registration_token'), /lang="de".*Registrierungscode/s)
  t.regex(
    await stage('m.login.registration_token', 'token=wrong'),
    /role="alert">Der Registrierungscode gilt nicht/,
  )
  t.regex(await stage('m.login.registration_token', `token=${token}`), /Geh zurück zu deinem Programm/)
  t.regex(await stage('m.login.terms'), /<a href="https:\/\/x.test\/b">Bedingungen<\/a>/)
  t.regex(await stage('m.login.dummy'), /Hier ist nichts zu tun/)
  t.regex(await visit('/_matrix/static/client/login/'), /Bei tessera.test anmelden.*>Passwort</s)
})

test('a password is confirmed in a browser, of the user whose session it is', async t => {
  const { accounts, server, visit } = await open(t)
  for (const username of ['alice', 'bob']) await accounts.createUser({ username, password: PASSWORD })
  const login = await accounts.login.login({ type: 'm.login.password', user: 'alice', password: PASSWORD })
  const remove = (auth?: object) =>
    server.request('POST', '/_matrix/client/v3/delete_devices', {
      token: login.access_token,
      json: { devices: ['X'], ...(auth === undefined ? {} : { auth }) },
    })
  const { session } = bodyOf(await remove())
  t.regex((await visit('m.login.password', session)).text, /sign out sessions.*begun that yourself/s)
  const token = { token: login.access_token, json: {} }
  const another = bodyOf(await server.request('POST', '/_matrix/client/v1/login/get_token', token)).session
  t.regex((await visit('m.login.password', another)).text, /sign in another one/)
  for (const fields of [
    { user: 'alice', password: 'wrong' },
    { user: 'bob', password: PASSWORD },
  ]) {
    t.is((await visit('m.login.password', session, fields)).status, 403)
  }
  t.is(codeOf(await remove({ session })), '401 -')
  t.is((await visit('m.login.password', session, { user: 'alice', password: PASSWORD })).status, 200)
  t.is((await remove({ session })).status, 200)
})

test('the login fallback hands the answer of /login to the client', async t => {
  const { server } = await open(t)
  const page = await (await fetch(`${server.url}/_matrix/static/client/login/?device_id=D`)).text()
  t.regex(page, /Sign in to tessera\.test/)
  const calls: unknown[] = []
  const elements: Record<string, object> = { main: {}, '[role=alert]': { dataset: {} } }
  let submitted: (event: object) => Promise<void> = async () => {}
  const form = {
    ...{ user: { value: 'alice' }, password: { value: 'secret' } },
    addEventListener: (_name: string, listener: typeof submitted) => {
      submitted = listener
    },
  }
  runInNewContext(scriptOf(page), {
    ...{ URLSearchParams, location: { search: '?device_id=D&refresh_token=true&password=x' } },
    document: { querySelector: (name: string) => (name === 'form' ? form : elements[name]) },
    window: { matrixLogin: { onLogin: (answer: unknown) => calls.push(answer) } },
    fetch: async (path: string, init: { body: string }) => {
      calls.push([path, JSON.parse(init.body)])
      return { ok: true, json: async () => ({ user_id: '@alice:x' }) }
    },
  })
  await submitted({ preventDefault: () => {} })
  t.deepEqual(calls, [
    [
      '/_matrix/client/v3/login',
      {
        ...{ type: 'm.login.password', identifier: { type: 'm.id.user', user: 'alice' }, password: 'secret' },
        ...{ device_id: 'D', refresh_token: true },
      },
    ],
    { user_id: '@alice:x' },
  ])
})

test('nobody guesses tokens and passwords in a browser, or has mail sent, oftener than a client may', async t => {
  const once = { perSecond: 0.001, burst: 1 }
  const { accounts, mailer, visit, register } = await open(t, { login: once, 'third-party-token': once })
  const { session } = bodyOf(await register())
  const { token } = await accounts.registrationTokens.create()
  await visit('m.login.registration_token', session, { token })
  await visit('m.login.terms', session, {})
  for (const name of ['one', 'two', 'three']) {
    await visit('m.login.email.identity', session, { email: `${name}@example.org` })
  }
  t.is(mailer.mails.length, 1)

  const limited = await open(t, { register: { perSecond: 0.001, burst: 2 } })
  const another = bodyOf(await limited.register()).session
  const guess = (guessed: string) => limited.visit('m.login.registration_token', another, { token: guessed })
  t.is((await guess('wrong')).status, 403)
  const tooMany = await guess('wrong again')
  t.is(tooMany.status, 429)
  t.regex(tooMany.text, /role="alert"/)
})

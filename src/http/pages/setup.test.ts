import test from 'ava'
import { accountServer, bodyOf, PASSWORD, SERVER_NAME } from '../../test-kit/accounts.ts'
import { testDatabase } from '../../test-kit/database.ts'
import { createPages } from '../pages.ts'
import { addSetupPage } from './setup.ts'

/** As a browser sees it: the test client would want every refusal to be a standard error. */
const browse = async (url: string, init: RequestInit) => {
  const response = await fetch(url, init)
  return { status: response.status, headers: response.headers, body: await response.text() }
}

const open = async (t: Parameters<typeof accountServer>[0]) => {
  const parts = await accountServer(t, await testDatabase(t), {
    pages: (accounts, clock) => {
      const pages = createPages()
      addSetupPage(pages, {
        setup: accounts.setup,
        clock,
        serverName: SERVER_NAME,
        baseUrl: 'http://localhost:8008',
        hasChat: true,
        minimumPasswordLength: 8,
        language: 'en',
      })
      return pages
    },
  })
  const link = (await parts.accounts.setup.issue()) ?? ''
  const visit = (path: string, init: RequestInit = {}) => browse(`${parts.server.url}${path}`, init)
  const show = (token: string) => visit(`/setup?token=${encodeURIComponent(token)}`)
  const filled = { token: link, username: 'admin', password: PASSWORD, password_again: PASSWORD }
  const submit = (fields: Record<string, string>) =>
    visit('/setup', { method: 'POST', body: new URLSearchParams({ ...filled, ...fields }) })
  return { ...parts, link, visit, show, submit }
}

test('the link leads to a form that makes the first administrator, once', async t => {
  const { accounts, server, link, show, submit } = await open(t)
  const form = await show(link)
  t.is(form.status, 200)
  t.regex(form.body, /<form method="post"/)
  const done = await submit({ username: ' Root ' })
  t.is(done.status, 200)
  t.regex(done.body, /@root:tessera\.test.*http:\/\/localhost:8008/s)
  t.regex(done.body, /<a href="\/">Log in right here/)
  t.regex(done.body, /<code>npx tessera user create NAME<\/code>/)
  t.true(await accounts.hasAdmin())
  const login = await server.request('POST', '/_matrix/client/v3/login', {
    json: { type: 'm.login.password', user: 'root', password: PASSWORD },
  })
  t.like(await accounts.authenticate(bodyOf(login).access_token), { isAdmin: true })
  for (const response of [await show(link), await submit({ username: 'second' })]) t.is(response.status, 403)
  t.is(await accounts.count(), 1)
})

test('the page speaks the language of the browser', async t => {
  const { link, visit } = await open(t)
  const headers = { 'Accept-Language': 'fr' }
  const form = await visit(`/setup?token=${encodeURIComponent(link)}`, { headers })
  t.regex(form.body, /lang="fr".*Mot de passe/s)
  t.regex((await visit('/setup?token=x', { headers })).body, /Ce lien ne crée pas/)
  const fields = { token: link, username: 'root', password: PASSWORD, password_again: 'else' }
  const submit = (changed: Record<string, string> = {}) =>
    visit('/setup', { method: 'POST', headers, body: new URLSearchParams({ ...fields, ...changed }) })
  t.regex((await submit()).body, /role="alert">Les deux mots de passe/)
  t.regex((await submit({ password_again: PASSWORD })).body, /vous êtes @root:tessera\.test/)
})

test('a form that cannot be accepted comes back, keeps the name, and uses nothing up', async t => {
  const { accounts, link, submit } = await open(t)
  for (const [fields, problem] of [
    [{ password_again: 'something else' }, /differ/],
    [{ password: 'short', password_again: 'short' }, /too short/],
    [{ username: '"><script>' }, /User names consist/],
  ] as const) {
    const response = await submit(fields)
    t.is(response.status, 400)
    t.regex(response.body, problem)
    t.regex(response.body, /role="alert"/)
    t.notRegex(response.body, /<script|correct horse/)
  }
  t.regex((await submit({ username: 'a"b', password: 'x' })).body, /value="a&quot;b"/)
  t.true(await accounts.setup.isOpen(link))
  t.is(await accounts.count(), 0)
})

test('no other token opens the page, and nothing but a form is read', async t => {
  const { visit, show, submit } = await open(t)
  for (const token of ['', 'tsr_guess']) t.is((await show(token)).status, 403)
  t.is((await visit('/setup')).status, 403)
  t.is((await visit('/setup?token=a&token=b')).status, 403)
  t.is((await submit({ token: 'tsr_guess' })).status, 403)
  t.is((await visit('/setup', { method: 'POST', body: '{}' })).status, 415)
  t.is((await submit({ username: 'x'.repeat(40_000) })).status, 413)
})

test('the page is kept to itself: no scripts, no frames, no cache, no referrer', async t => {
  const { link, show } = await open(t)
  const { headers, body } = await show(link)
  const policy = headers.get('content-security-policy') ?? ''
  t.regex(policy, /^default-src 'none'; style-src 'sha256-[A-Za-z0-9+/=]+'; form-action 'self'; /)
  t.regex(policy, /frame-ancestors 'none'/)
  t.is(headers.get('cache-control'), 'no-store')
  t.is(headers.get('referrer-policy'), 'no-referrer')
  t.notRegex(body, /<script| on\w+=|style=/)
})

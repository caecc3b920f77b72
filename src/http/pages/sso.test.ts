import test from 'ava'
import { ssoReturn } from '../../core/oauth/sso-return.ts'
import { bodyOf } from '../../test-kit/accounts.ts'
import { testDatabase } from '../../test-kit/database.ts'
import { codeOf } from '../../test-kit/http.ts'
import { openOAuth } from '../../test-kit/oauth.ts'

const REDIRECT = '/_matrix/client/v3/login/sso/redirect'

test('a client that does not speak OAuth sends people to the same page, and logs in with a token', async t => {
  const { server, browser, clock } = await openOAuth(t, await testDatabase(t))
  const { flows } = bodyOf(await server.request('GET', '/_matrix/client/v3/login'))
  t.like(
    flows.find(flow => (flow as unknown as { type: string }).type === 'm.login.sso'),
    { oauth_aware_preferred: true },
  )
  const alice = browser()
  const back = 'https://tea.example/in?loginToken=old&hs=tessera#there'
  const sent = await alice.get(`${REDIRECT}?${new URLSearchParams({ redirectUrl: back })}`)
  t.is(sent.status, 302)
  const path = `${sent.location?.pathname}${sent.location?.search}`
  await alice.signIn(path)
  const asked = await alice.get(path)
  t.regex(asked.text, /Let tea\.example use your account\?.*https:\/\/tea\.example\/in/s)
  t.is((await alice.post(path, { do: 'deny' })).location, undefined)
  const logIn = (token: string | null | undefined) =>
    server.request('POST', '/_matrix/client/v3/login', { json: { type: 'm.login.token', token } })
  const { location } = await alice.post(path, { do: 'allow' })
  t.is(`${location?.origin}${location?.pathname}${location?.hash}`, 'https://tea.example/in#there')
  t.deepEqual([...(location?.searchParams.keys() ?? [])], ['loginToken', 'hs'])
  const token = location?.searchParams.get('loginToken')
  t.is(bodyOf(await logIn(token)).user_id, '@alice:tessera.test')
  t.is(codeOf(await logIn(token)), '403 M_FORBIDDEN')
  const late = (await alice.post(path, { do: 'allow' })).location?.searchParams.get('loginToken')
  await clock.advance(60_001)
  t.is(codeOf(await logIn(late)), '403 M_FORBIDDEN')
})

test('whoever wants to register comes to that form; addresses that run something are none', async t => {
  const { server, browser } = await openOAuth(t, await testDatabase(t), {
    registration: { mode: 'open', guests: false, email: 'off' },
  })
  const visitor = browser()
  const query = new URLSearchParams({ redirectUrl: 'element://connect', action: 'register' })
  const { location } = await visitor.get(`${REDIRECT}?${query}`)
  const form = await visitor.get(`${location?.pathname}${location?.search}`)
  t.regex(form.text, /Create an account/)
  t.regex(form.headers.get('content-security-policy') ?? '', /form-action 'self' element:;/)
  const policyFor = async (redirectUrl: string): Promise<string> =>
    (await visitor.get(`/oauth2/sso?${new URLSearchParams({ redirectUrl })}`)).headers.get(
      'content-security-policy',
    ) ?? ''
  t.regex(await policyFor('https://app.example:8443/x'), /form-action 'self' https:\/\/app\.example:8443;/)
  for (const url of ['https://a;sandbox/', 'https://a,b/', "https://a'b/", 'https://[::1]/'])
    t.regex(await policyFor(url), /form-action 'self' https:; base-uri/, 'a host adds nothing to the policy')
  for (const url of ['javascript:alert(1)', 'JAVASCRIPT:alert(1)', 'data:text/html,x', 'nonsense', '']) {
    t.is(ssoReturn(url), undefined)
    t.is((await visitor.get(`/oauth2/sso?${new URLSearchParams({ redirectUrl: url })}`)).status, 400, url)
  }
  t.is(codeOf(await server.request('GET', REDIRECT)), '400 M_MISSING_PARAM')
  t.is(codeOf(await server.request('GET', `${REDIRECT}/idp?redirectUrl=https://x.test/`)), '404 M_NOT_FOUND')
})

test('where the operator has switched it off, nothing of it is there', async t => {
  const { server } = await openOAuth(t, await testDatabase(t), { oauth: { enabled: false } })
  const { flows } = bodyOf(await server.request('GET', '/_matrix/client/v3/login'))
  t.false(JSON.stringify(flows).includes('sso'))
  t.is(codeOf(await server.request('GET', `${REDIRECT}?redirectUrl=https://x.test/`)), '404 M_UNRECOGNIZED')
  t.is(codeOf(await server.request('GET', '/_matrix/client/v1/auth_metadata')), '404 M_UNRECOGNIZED')
})

import test from 'ava'
import { testDatabase } from '../../test-kit/database.ts'
import { codeOf } from '../../test-kit/http.ts'
import { openOAuth, scopeOf } from '../../test-kit/oauth.ts'

const ADMINISTRATION = 'urn:synapse:admin:*'

test('a client administers the server only where its user has been asked, and is an administrator', async t => {
  const { accounts, authorizePath, browser, codeFor, exchange, server } = await openOAuth(
    t,
    await testDatabase(t),
  )
  const sessionWith = async (scope: string) => (await exchange(await codeFor({ scope }))).body
  const ask = async (session: Record<string, unknown>): Promise<string> => {
    const token = String(session['access_token'])
    return codeOf(await server.request('GET', '/_synapse/admin/v1/username_available?username=x', { token }))
  }
  await accounts.setFlag('@alice:tessera.test', 'is_admin', true)
  const ordinary = await sessionWith(scopeOf('ONE'))
  t.is(await ask(ordinary), '403 M_FORBIDDEN')
  const wanted = `${scopeOf('TWO')} ${ADMINISTRATION}`
  const session = await sessionWith(wanted)
  t.is(session['scope'], wanted)
  t.is(await ask(session), '200 -')
  await accounts.setFlag('@alice:tessera.test', 'is_admin', false)
  t.is(await ask(session), '403 M_FORBIDDEN')

  const consentTo = async (scope: string): Promise<string> => {
    const visitor = browser()
    const path = authorizePath({ scope })
    await visitor.signIn(path)
    return (await visitor.get(path)).text
  }
  t.regex(await consentTo(wanted), /If you administer this server/)
  t.notRegex(await consentTo(scopeOf('ONE')), /If you administer this server/)
})

test('a client without leave to administer the server is nobody special for the other endpoints either', async t => {
  const { accounts, codeFor, exchange, server } = await openOAuth(t, await testDatabase(t))
  await accounts.createUser({ username: 'bob', password: 'correct horse battery' })
  await accounts.setFlag('@alice:tessera.test', 'is_admin', true)
  const tokenWith = async (scope: string) =>
    String((await exchange(await codeFor({ scope }))).body['access_token'])
  const ordinary = await tokenWith(scopeOf('ONE'))
  const administering = await tokenWith(`${scopeOf('TWO')} ${ADMINISTRATION}`)
  const { access_token: byPassword } = await accounts.login.login({
    ...{ type: 'm.login.password', user: 'alice', password: 'correct horse battery' },
  })
  const client = '/_matrix/client'
  const requests: [method: string, path: string, json?: object][] = [
    ['GET', `${client}/v3/admin/whois/@bob:tessera.test`],
    ['GET', `${client}/v1/admin/lock/@bob:tessera.test`],
    ['PUT', `${client}/v1/admin/lock/@bob:tessera.test`, { locked: false }],
    ['GET', `${client}/v1/admin/suspend/@bob:tessera.test`],
    ['PUT', `${client}/v1/admin/suspend/@bob:tessera.test`, { suspended: false }],
  ]
  for (const [method, path, json] of requests) {
    const codes: string[] = []
    for (const token of [ordinary, administering, byPassword])
      codes.push(codeOf(await server.request(method, path, { token, json })))
    t.deepEqual(codes, ['403 M_FORBIDDEN', '200 -', '200 -'], `${method} ${path}`)
  }
  const moderates = async (token: string) =>
    /m\.account_moderation/.test(
      (await server.request('GET', `${client}/v3/capabilities`, { token })).bytes.toString(),
    )
  t.deepEqual([await moderates(ordinary), await moderates(administering)], [false, true])
})

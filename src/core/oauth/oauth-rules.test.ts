import { hash } from 'node:crypto'
import test from 'ava'
import { authorizationRequest, replyAddress, replyUrl } from './authorization-request.ts'
import { clientMetadata } from './client-metadata.ts'
import { OAuthError } from './errors.ts'
import { oauthParameters } from './parameters.ts'
import { isVerifierOf } from './pkce.ts'
import { parseScope } from './scope.ts'
import { shownUserCode, userCodeOf } from './user-code.ts'

/** The code of the refusal, or what was answered. */
const codeOf = <Result>(work: () => Result): Result | string => {
  try {
    return work()
  } catch (error) {
    if (error instanceof OAuthError) return error.code
    throw error
  }
}

const METADATA = { client_uri: 'https://example.com/', redirect_uris: ['https://example.com/cb'] }

test('metadata is completed, and what means nothing here left out', t => {
  t.deepEqual(
    clientMetadata({
      ...METADATA,
      client_name: 'Mail',
      'client_name#fr': 'Courrier',
      grant_types: ['authorization_code', 'urn:ietf:params:oauth:grant-type:token-exchange'],
      response_types: ['code', 'id_token'],
      contacts: ['x@example.com'],
    }),
    {
      client_name: 'Mail',
      ...METADATA,
      grant_types: ['authorization_code'],
      response_types: ['code'],
      token_endpoint_auth_method: 'none',
      application_type: 'web',
    },
  )
  const device = {
    client_uri: 'https://example.com/',
    grant_types: ['urn:ietf:params:oauth:grant-type:device_code'],
  }
  t.deepEqual(clientMetadata(device).redirect_uris, [])
})

test('metadata that is not in order is refused', t => {
  const refused = (changed: object) => codeOf(() => clientMetadata({ ...METADATA, ...changed }))
  for (const changed of [
    { client_uri: undefined },
    { client_uri: 'http://example.com/' },
    { client_uri: 'https://me:you@example.com/' },
    { client_uri: 7 },
    { client_uri: 'nonsense' },
    { tos_uri: 'https://evil.test/' },
    { policy_uri: 'http://example.com/' },
    { logo_uri: ['https://example.com/'] },
    { client_name: 'x'.repeat(201) },
    { client_name: { en: 'x' } },
    { client_name: '\ud800' },
    { token_endpoint_auth_method: 'client_secret_basic' },
    { application_type: 'desktop' },
    { grant_types: 'authorization_code' },
    { grant_types: [1] },
    { response_types: ['token'] },
    { redirect_uris: 'https://example.com/cb' },
  ]) {
    t.is(refused(changed), 'invalid_client_metadata', JSON.stringify(changed))
  }
  for (const redirect_uris of [
    undefined,
    [],
    ['https://evil.test/'],
    ['https://example.com/#x'],
    Array.from({ length: 21 }, (_, index) => `https://example.com/${index}`),
  ]) {
    t.is(refused({ redirect_uris }), 'invalid_redirect_uri', JSON.stringify(redirect_uris))
  }
  for (const body of [null, [], 'text'])
    t.is(
      codeOf(() => clientMetadata(body)),
      'invalid_client_metadata',
    )
})

test('a scope grants the API to exactly one device', t => {
  const api = 'urn:matrix:client:api:*'
  t.deepEqual(parseScope(`openid ${api} urn:matrix:client:device:AAA`), {
    text: `${api} urn:matrix:client:device:AAA`,
    deviceId: 'AAA',
    administers: false,
  })
  const unstable =
    'urn:matrix:org.matrix.msc2967.client:api:* urn:matrix:org.matrix.msc2967.client:device:AAA'
  t.deepEqual(parseScope(unstable), { text: unstable, deviceId: 'AAA', administers: false })
  t.like(parseScope(`${unstable} urn:synapse:admin:*`), {
    text: `${unstable} urn:synapse:admin:*`,
    administers: true,
  })
  t.is(parseScope(`${unstable} ${api} urn:matrix:client:device:AAA`).deviceId, 'AAA')
  for (const scope of [
    api,
    'urn:matrix:client:device:AAA',
    `${api} urn:matrix:client:device:AAA urn:matrix:client:device:BBB`,
    `${api} urn:matrix:client:device:`,
    `${api} urn:matrix:client:device:${'A'.repeat(256)}`,
    `${api} urn:matrix:client:device:"A"`,
    `${api} urn:matrix:client:device:Ä`,
  ]) {
    t.is(
      codeOf(() => parseScope(scope)),
      'invalid_scope',
      scope,
    )
  }
})

test('a request for a code', t => {
  const client = clientMetadata(METADATA)
  const challenge = hash('sha256', 'v'.repeat(43), 'base64url')
  const good = {
    response_type: 'code',
    redirect_uri: 'https://example.com/cb',
    scope: 'urn:matrix:client:api:* urn:matrix:client:device:AAA',
    code_challenge: challenge,
    code_challenge_method: 'S256',
    state: 'x y&z',
  }
  const read = (changed: object = {}) => {
    const query = Object.entries({ ...good, ...changed }).filter(([, value]) => value !== undefined)
    return oauthParameters(new URLSearchParams(query as [string, string][]))
  }
  t.is(authorizationRequest(read(), client).codeChallenge, challenge)
  for (const [changed, code] of [
    [{ response_type: undefined }, 'invalid_request'],
    [{ response_type: 'token' }, 'unsupported_response_type'],
    [{ code_challenge: undefined }, 'invalid_request'],
    [{ code_challenge: 'short' }, 'invalid_request'],
    [{ code_challenge_method: undefined }, 'invalid_request'],
    [{ code_challenge_method: 'plain' }, 'invalid_request'],
    [{ scope: '' }, 'invalid_request'],
    [{ scope: 'openid' }, 'invalid_scope'],
    [{ prompt: 'none' }, 'interaction_required'],
    [{ prompt: 'dance' }, 'invalid_request'],
  ] as const) {
    t.is(
      codeOf(() => authorizationRequest(read(changed), client)),
      code,
      JSON.stringify(changed),
    )
  }
  const deviceOnly = { ...client, grant_types: [] }
  t.is(
    codeOf(() => authorizationRequest(read(), deviceOnly)),
    'unauthorized_client',
  )
  for (const changed of [
    { redirect_uri: undefined },
    { redirect_uri: 'https://example.com/other' },
    { response_mode: 'form_post' },
    { state: 'x'.repeat(2049) },
  ]) {
    t.is(
      codeOf(() => replyAddress(read(changed), client)),
      'invalid_request',
      JSON.stringify(changed),
    )
  }
  const twice = oauthParameters(new URLSearchParams('redirect_uri=a&redirect_uri=b'))
  t.is(
    codeOf(() => replyAddress(twice, client)),
    'invalid_request',
  )
})

test('the outcome stands in the query string or the fragment', t => {
  const to = { redirectUri: 'https://example.com/?a=b', state: 'x y', mode: 'query' } as const
  t.is(replyUrl(to, { code: 'c' }), 'https://example.com/?a=b&state=x+y&code=c')
  t.is(replyUrl({ ...to, mode: 'fragment' }, { code: 'c' }), 'https://example.com/?a=b#state=x+y&code=c')
  const app = { redirectUri: 'com.example:/cb', state: undefined, mode: 'query' } as const
  t.is(replyUrl(app, { error: 'access_denied' }), 'com.example:/cb?error=access_denied')
})

test('a verifier is compared by its hash', t => {
  const verifier = 'dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk'
  // The example of RFC 7636, appendix B.
  t.true(isVerifierOf(verifier, 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM'))
  t.false(isVerifierOf(`${verifier}x`, 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM'))
  t.false(isVerifierOf('short', hash('sha256', 'short', 'base64url')))
})

test('codes that people type', t => {
  t.is(userCodeOf(' wdjb-mjht '), 'WDJBMJHT')
  t.is(shownUserCode('WDJBMJHT'), 'WDJB-MJHT')
  for (const typed of ['', 'WDJB-MJH', 'WDJB-MJHA', 'WDJB-MJH1', 'B'.repeat(100)])
    t.is(userCodeOf(typed), undefined)
})

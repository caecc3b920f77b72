/** Signing in by the OAuth 2.0 API as people do it: matrix-js-sdk is the client, Chromium the browser. */
import { createServer } from 'node:http'
import { QrCodeData } from '@matrix-org/matrix-sdk-crypto-wasm'
import test, { type ExecutionContext, registerCompletionHandler } from 'ava'
import { createClient, type MatrixClient, MatrixError } from 'matrix-js-sdk'
import { OAuth2 } from 'matrix-js-sdk/lib/oauth/index.js'
import { MSC4108SecureChannel } from 'matrix-js-sdk/lib/rendezvous/channels/index.js'
import { MSC4108SignInWithQR } from 'matrix-js-sdk/lib/rendezvous/MSC4108SignInWithQR.js'
import { MSC4108RendezvousSession } from 'matrix-js-sdk/lib/rendezvous/transports/index.js'
import type { Page } from 'playwright-core'
import { freePort } from '../bench/free-port.ts'
import '../src/test-kit/js-sdk.ts'
import { startTestServer } from '../src/test-kit/server.ts'
import { browserTest, closeBrowser, openBrowser, openPage, PATIENCE_MS, photograph } from './browser.ts'

// The SDK leaves timers behind: see src/test-kit/js-sdk.ts.
registerCompletionHandler(() => process.exit())
test.after.always(closeBrowser)

const PASSWORD = 'a kettle full of words'

/** A server that knows its address, and an app on a loopback address to which people come back. */
const open = async (t: ExecutionContext) => {
  const port = await freePort()
  const baseUrl = `http://127.0.0.1:${port}`
  const server = await startTestServer({
    settings: {
      listeners: [{ port, host: '127.0.0.1' }],
      public_base_url: baseUrl,
      oauth: { qr_codes: 'anyone' },
    },
  })
  t.teardown(() => server.close())
  const app = createServer((_request, response) => response.end('The app goes on.'))
  const appPort = await freePort()
  await new Promise<void>(resolve => app.listen(appPort, '127.0.0.1', resolve))
  t.teardown(() => app.close())
  const metadata = await createClient({ baseUrl }).getAuthMetadata()
  const clientId = await OAuth2.registerClient(metadata, {
    client_name: 'Tea time',
    client_uri: 'https://tea.example/',
    application_type: 'native',
    redirect_uris: ['http://127.0.0.1/back'],
    tos_uri: 'https://tea.example/terms',
  })
  return { server, baseUrl, metadata, clientId, redirectUri: `http://127.0.0.1:${appPort}/back` }
}

/** The parameters with which the browser came back to the app. */
const comeBack = async (page: Page): Promise<URLSearchParams> => {
  await page.waitForURL(/\/back/)
  return new URLSearchParams(new URL(page.url()).hash.slice(1))
}

const clientOf = async (baseUrl: string, accessToken: string): Promise<MatrixClient> => {
  const { user_id: userId, device_id: deviceId } = await createClient({ baseUrl, accessToken }).whoami()
  return createClient({ baseUrl, accessToken, userId, deviceId: deviceId ?? '' })
}

browserTest(
  'an account is made, a client signed in, its identity reset, its session renewed and ended',
  async t => {
    t.timeout(PATIENCE_MS)
    const { baseUrl, metadata, clientId, redirectUri } = await open(t)
    const oauth = new OAuth2(metadata, { clientId, deviceId: 'TEAPOT' })
    const url = await oauth.generateAuthorizationCodeGrantUrl('a state', redirectUri, 'fragment', 'create')
    const browser = await openBrowser()
    const phone = { viewport: { width: 390, height: 760 }, hasTouch: true }
    const page = await openPage(t, browser, url, phone)
    await photograph(page, 'oauth-register')
    // By keyboard alone: the first field has the focus, as soon as the browser has come to that.
    await page.locator('input:focus').waitFor()
    await page.keyboard.type('alice')
    await page.keyboard.press('Tab')
    await page.keyboard.type(PASSWORD)
    await page.keyboard.press('Tab')
    await page.keyboard.type(PASSWORD)
    await page.keyboard.press('Enter')
    await page.getByRole('heading', { name: 'Let Tea time use your account?' }).waitFor()
    await photograph(page, 'oauth-consent')
    await page.getByRole('button', { name: 'Allow' }).press('Enter')
    const answer = await comeBack(page)
    t.is(answer.get('state'), 'a state')
    const tokens = await oauth.completeAuthorizationCodeGrant(answer.get('code') ?? '', redirectUri)

    const client = await clientOf(baseUrl, tokens.access_token)
    t.is(client.getUserId(), '@alice:localhost')
    t.is(client.getDeviceId(), 'TEAPOT')
    await client.initRustCrypto({ useIndexedDB: false })
    const crypto = client.getCrypto()
    await crypto?.bootstrapCrossSigning({
      authUploadDeviceSigningKeys: async makeRequest => void (await makeRequest(null)),
    })
    await crypto?.bootstrapCrossSigning({
      setupNewCrossSigning: true,
      authUploadDeviceSigningKeys: async makeRequest => {
        const challenge = await t.throwsAsync(makeRequest(null), { instanceOf: MatrixError })
        const { session, params } = challenge.data as {
          session: string
          params: Record<string, { url: string }>
        }
        const account = await openPage(t, browser, params['m.oauth']?.url ?? '', {
          ...phone,
          locale: 'de-DE',
        })
        await account.getByLabel('Benutzername').fill('alice')
        await account.getByLabel('Passwort').fill(PASSWORD)
        await account.keyboard.press('Enter')
        await photograph(account, 'oauth-reset')
        await account.getByLabel('Passwort').fill(PASSWORD)
        await account.getByRole('button', { name: 'Zurücksetzen erlauben' }).click()
        await account.getByText('In den nächsten zehn Minuten').waitFor()
        await makeRequest({ session })
      },
    })

    const renewed = await oauth.performRefreshTokenGrant(tokens.refresh_token ?? '')
    t.is((await clientOf(baseUrl, renewed.access_token)).getDeviceId(), 'TEAPOT')
    await t.throwsAsync(clientOf(baseUrl, tokens.access_token), { instanceOf: MatrixError })
    await oauth.revokeToken(renewed.refresh_token ?? '', 'refresh_token')
    await oauth.revokeToken(renewed.access_token, 'access_token')
    await t.throwsAsync(clientOf(baseUrl, renewed.access_token), { instanceOf: MatrixError })
    client.stopClient()
  },
)

/** Two devices meet by a code that the one that is signed in shows (MSC4108). @returns both ends, and what each is to be told */
const meetByCode = async (existing: MatrixClient) => {
  const session = new MSC4108RendezvousSession({ client: existing, onFailure: () => {} })
  await session.send('')
  const shows = new MSC4108SignInWithQR(new MSC4108SecureChannel(session), false, existing)
  await shows.generateCode()
  const code = QrCodeData.fromBytes(shows.code ?? new Uint8Array())
  const scanned = new MSC4108RendezvousSession({ url: code.rendezvousUrl ?? '', onFailure: () => {} })
  const scans = new MSC4108SignInWithQR(new MSC4108SecureChannel(scanned, code.publicKey), true)
  await Promise.all([shows.negotiateProtocols(), scans.negotiateProtocols()])
  return { shows, scans }
}

browserTest(
  'a device is let in by a code that another shows, gets its secrets, and is signed out on the account page',
  async t => {
    t.timeout(PATIENCE_MS)
    const { server, baseUrl, metadata, clientId } = await open(t)
    const { accessToken } = await server.register('bob', PASSWORD)
    const phone = await clientOf(baseUrl, accessToken)
    await phone.initRustCrypto({ useIndexedDB: false })
    await phone.getCrypto()?.bootstrapCrossSigning({
      authUploadDeviceSigningKeys: async makeRequest => void (await makeRequest(null)),
    })
    const { shows, scans } = await meetByCode(phone)
    t.is(scans.checkCode, shows.checkCode)
    const [waiting, asked] = await Promise.all([
      scans.deviceAuthorizationGrant({ metadata, clientId, deviceId: 'TELLY' }),
      shows.deviceAuthorizationGrant(),
    ])
    const browser = await openBrowser()
    const page = await openPage(t, browser, asked?.verificationUri ?? '', { colorScheme: 'dark' })
    await page.getByLabel('User name').fill('bob')
    await page.getByLabel('Password').fill(PASSWORD)
    await page.keyboard.press('Enter')
    await page.getByText(waiting?.userCode ?? 'no code', { exact: true }).waitFor()
    await photograph(page, 'oauth-link')
    await page.getByRole('button', { name: 'Allow' }).click()
    await page.getByRole('heading', { name: 'Your device is signed in' }).waitFor()
    const secretsOfPhone = shows.shareSecrets()
    const tokens = await scans.completeLoginOnNewDevice({ clientId })
    const [{ secrets }, sent] = await Promise.all([scans.shareSecrets(), secretsOfPhone])
    t.true('cross_signing' in (sent.secrets ?? {}))
    t.like(secrets, { type: 'm.login.secrets', ...sent.secrets })
    const telly = await clientOf(baseUrl, tokens?.access_token ?? '')
    t.is(telly.getDeviceId(), 'TELLY')

    const query = new URLSearchParams({ action: 'org.matrix.devices_list' })
    await page.goto(`${metadata.account_management_uri}?${query}`)
    await photograph(page, 'oauth-sessions')
    await page.getByRole('link', { name: 'Tea time (TELLY)' }).click()
    await page.getByRole('link', { name: 'Sign this session out' }).click()
    await page.getByRole('button', { name: 'Sign this session out' }).click()
    await page.getByText('The session is signed out.').waitFor()
    await t.throwsAsync(telly.whoami(), { instanceOf: MatrixError })
    phone.stopClient()
  },
)

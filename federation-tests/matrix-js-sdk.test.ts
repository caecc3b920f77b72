import test, { registerCompletionHandler } from 'ava'
import { freePort } from '../bench/free-port.ts'
import { startSynapse } from '../scripts/synapse.ts'
import { startTestServer } from '../src/test-kit/server.ts'
import { twoPeopleTalk } from './js-sdk-scenario.ts'

// The SDK leaves timers behind: see src/test-kit/js-sdk.ts.
registerCompletionHandler(() => process.exit())

test('two people talk through matrix-js-sdk, in clear and encrypted', async t => {
  const server = await startTestServer()
  t.teardown(server.close)
  await twoPeopleTalk(t, {
    baseUrl: server.url,
    async register(username, password) {
      await server.register(username, password)
    },
  })
})

/** Proves the scenario itself on somebody else's server: `INTEROP_SYNAPSE=1`, which installs Synapse if need be. */
const withSynapse = process.env['INTEROP_SYNAPSE'] === '1' ? test : test.skip

withSynapse('two people talk through matrix-js-sdk on Synapse', async t => {
  const { url, stop } = await startSynapse({ serverName: 'localhost', port: await freePort() })
  t.teardown(stop)
  const register = async (username: string, password: string): Promise<void> => {
    const body = { username, password, auth: { type: 'm.login.dummy' }, inhibit_login: true }
    const response = await fetch(`${url}/_matrix/client/v3/register`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    })
    if (!response.ok) throw new Error(await response.text())
  }
  await twoPeopleTalk(t, { baseUrl: url, register })
})

import test, { registerCompletionHandler } from 'ava'
import { freePort } from '../bench/free-port.ts'
import { startSynapse } from '../scripts/synapse.ts'
import { twoPeopleTalk } from './js-sdk-scenario.ts'

// The SDK leaves timers behind: see src/test-kit/js-sdk.ts.
registerCompletionHandler(() => process.exit())

/** Proves the scenario itself on somebody else's server: `INTEROP_SYNAPSE=1`, which installs Synapse if need be. */
const withSynapse = process.env['INTEROP_SYNAPSE'] === '1' ? test : test.skip

withSynapse('two people talk through matrix-js-sdk on Synapse', async t => {
  const { url, stop } = await startSynapse({ serverName: 'localhost', port: await freePort() })
  t.teardown(stop)
  await twoPeopleTalk(t, {
    baseUrl: url,
    async register(username, password) {
      const body = { username, password, auth: { type: 'm.login.dummy' }, inhibit_login: true }
      const response = await fetch(`${url}/_matrix/client/v3/register`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(body),
      })
      if (!response.ok) throw new Error(await response.text())
    },
  })
})

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test, { type ExecutionContext, registerCompletionHandler } from 'ava'
import { freePort } from '../bench/free-port.ts'
import { switchedNetwork } from '../scripts/switched-network.ts'
import { startTestServer } from '../src/test-kit/server.ts'
import { federatedNet } from './federated-servers.ts'
import { encryptedRoom, loginsOf, password, readAll, say, sayUnderOwnKeys } from './js-sdk-people.ts'
import { type Running, startProgram } from './program.ts'

// The SDK leaves timers behind: see src/test-kit/js-sdk.ts.
registerCompletionHandler(() => process.exit())

const MESSAGES = 15

const textsOf = (when: string): string[] => Array.from({ length: MESSAGES }, (_, index) => `${index} ${when}`)

/** Two servers with a net between them that can be taken away: one in this process, one that can be killed. */
const world = async (t: ExecutionContext) => {
  const network = switchedNetwork()
  t.teardown(network.close)
  const net = await federatedNet(t, ['tea.test', 'cake.test'])
  const [port, clientPort, cakePort] = [await freePort(), await freePort(), await freePort()]
  await network.carry(net.portOf('tea.test'), port)
  await network.carry(net.portOf('cake.test'), cakePort)
  const cake = await startTestServer({
    serverName: 'cake.test',
    settings: await net.settingsOf('cake.test', { port: cakePort, clientPort: 0 }),
  })
  t.teardown(cake.close)
  const directory = mkdtempSync(join(tmpdir(), 'tessera-killed-'))
  t.teardown(() => rmSync(directory, { recursive: true, force: true }))
  const settings = await net.settingsOf('tea.test', { port, clientPort })
  // JSON is YAML.
  writeFileSync(join(directory, 'homeserver.yaml'), JSON.stringify({ server_name: 'tea.test', ...settings }))
  const startTea = (): Promise<Running> => startProgram(t, directory, {})
  return { network, cake, tea: { url: `http://127.0.0.1:${clientPort}`, start: startTea } }
}

const register = async (url: string, username: string): Promise<void> => {
  const response = await fetch(`${url}/_matrix/client/v3/register`, {
    method: 'POST',
    body: JSON.stringify({ username, password, auth: { type: 'm.login.dummy' }, inhibit_login: true }),
  })
  if (!response.ok) throw new Error(await response.text())
}

test('a server killed between a send and its delivery loses no message: all of them decrypt', async t => {
  const { network, cake, tea } = await world(t)
  const first = await tea.start()
  await register(tea.url, 'alice')
  await cake.register('bob', password)
  const alice = await loginsOf(t, tea, 'alice')()
  const bob = await loginsOf(t, cake, 'bob')()
  const roomId = await encryptedRoom(alice, bob)
  await say(roomId, alice, 'hello', [alice, bob])
  await say(roomId, bob, 'hello, too', [alice, bob])

  // What its own people have sent, and nobody has got yet.
  network.isDown = true
  const unsent = textsOf('sent and not delivered')
  await sayUnderOwnKeys(roomId, alice, unsent)
  await first.kill()
  network.isDown = false
  const second = await tea.start()
  alice.client.retryImmediately()
  await t.notThrowsAsync(readAll(roomId, bob, unsent))

  // What is sent to it, while it dies of it.
  const arriving = textsOf('on its way')
  await sayUnderOwnKeys(roomId, bob, arriving.slice(0, MESSAGES / 2))
  await second.kill()
  await sayUnderOwnKeys(roomId, bob, arriving.slice(MESSAGES / 2))
  await tea.start()
  alice.client.retryImmediately()
  await t.notThrowsAsync(readAll(roomId, alice, arriving))
  await say(roomId, alice, 'all is well', [alice, bob])
})

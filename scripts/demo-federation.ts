/**
 * `npm run demo:federation`: two servers on this machine, certificates of a throw-away authority, a user on each, a room
 * that grows across both. Prints what happens as it happens.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { prepareDataDirectory } from '../src/config/data-directory.ts'
import { defaultConfig } from '../src/config/load.ts'
import { silentLog } from '../src/core/log.ts'
import { createServer } from '../src/server.ts'
import { createAuthority } from '../src/test-kit/tls.ts'
import { registerPlainClient } from './plain-client.ts'

const directory = mkdtempSync(join(tmpdir(), 'tessera-demo-'))
const PORTS: Record<string, number> = { 'tea.test': 18448, 'cake.test': 18449 }

const say = (who: string, what: string): void => console.log(`${who.padEnd(11)}${what}`)

/** Starts a whole server under a name that only these two servers can resolve. */
const start = async (serverName: string, authority: Awaited<ReturnType<typeof createAuthority>>) => {
  const data = join(directory, serverName)
  const leaf = await authority.issue([serverName])
  const files = { certificate: `${data}.pem`, key: `${data}.key`, ca: `${data}.ca.pem` }
  writeFileSync(files.certificate, leaf.cert)
  writeFileSync(files.key, leaf.key, { mode: 0o600 })
  writeFileSync(files.ca, authority.pem)
  const config = defaultConfig(directory, {
    server_name: serverName,
    data_directory: data,
    listeners: [
      { host: '127.0.0.1', port: PORTS[serverName], tls: { certificate: files.certificate, key: files.key } },
      { host: '127.0.0.1', port: 0 },
    ],
    ca_file: files.ca,
    registration: { mode: 'open' },
    federation: {
      deny_addresses: [],
      hosts: Object.fromEntries(Object.entries(PORTS).map(([name, port]) => [name, [`127.0.0.1:${port}`]])),
    },
  })
  prepareDataDirectory(config, undefined)
  const server = await createServer(config, { log: silentLog })
  const { urls } = await server.listen()
  const url = urls.find(each => each.startsWith('http:')) ?? ''
  say(serverName, `listens on ${urls.join(' and ')}`)
  return { server, url }
}

const run = async (): Promise<void> => {
  const authority = await createAuthority()
  const servers = [await start('tea.test', authority), await start('cake.test', authority)]
  const [tea, cake] = servers
  if (tea === undefined || cake === undefined) throw new Error('no servers')
  try {
    await talk(tea.url, cake.url)
  } finally {
    await Promise.all(servers.map(({ server }) => server.close()))
    rmSync(directory, { recursive: true, force: true })
  }
}

const talk = async (teaUrl: string, cakeUrl: string): Promise<void> => {
  const alice = await registerPlainClient(teaUrl, 'alice')
  const bob = await registerPlainClient(cakeUrl, 'bob')
  say('tea.test', `${alice.userId} has registered`)
  say('cake.test', `${bob.userId} has registered`)
  const room = { name: 'Five o’clock', topic: 'Tea and cake', room_alias_name: 'five' }
  const roomId = String((await alice.call('POST', '/createRoom', room))['room_id'])
  say('tea.test', `alice has made the room ${roomId}`)
  await alice.call('POST', `/rooms/${roomId}/invite`, { user_id: bob.userId, reason: 'Bring cake' })
  say('tea.test', `alice has invited ${bob.userId}: “Bring cake”`)
  const invitation = await bob.until('the invitation', sync => sync.rooms?.invite?.[roomId])
  const { events } = invitation.invite_state
  const name = events.find(event => event.type === 'm.room.name')?.content['name']
  const reason = events.find(event => event.state_key === bob.userId)?.content.reason
  say('cake.test', `bob sees the invitation to “${name}”: ${reason}`)
  await bob.call('POST', `/join/${encodeURIComponent(roomId)}`, {})
  say('cake.test', 'bob has joined, through tea.test')
  await alice.say(roomId, 'Welcome, Bob!')
  say('cake.test', `bob reads: ${await bob.hears(roomId, alice.userId)}`)
  await bob.say(roomId, 'The cake is here.')
  say('tea.test', `alice reads: ${await alice.hears(roomId, bob.userId)}`)
}

await run()
console.log('\nTwo servers, one room. Every request between them was signed, over TLS.')
process.exit(0)

/** Two whole servers, as they are shipped, that talk over real sockets and real TLS. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { ExecutionContext } from 'ava'
import { freePort } from '../bench/free-port.ts'
import { type Person, registerPerson } from '../src/test-kit/person.ts'
import { type RunningTestServer, startTestServer } from '../src/test-kit/server.ts'
import { type SyncView, syncAs, syncUntil } from '../src/test-kit/syncing.ts'
import { type TestAuthority, testAuthority } from '../src/test-kit/tls.ts'

export type Json = Record<string, unknown>

export const TEA = 'tea.test'
const CAKE = 'cake.test'

interface Site {
  readonly name: string
  readonly directory: string
  readonly port: number
}

/** Where two servers are going to be. */
export const sites = async (t: ExecutionContext): Promise<[Site, Site]> => {
  const directory = mkdtempSync(join(tmpdir(), 'tessera-two-'))
  t.teardown(() => rmSync(directory, { recursive: true, force: true }))
  const site = async (name: string): Promise<Site> => ({
    name,
    directory: join(directory, name),
    port: await freePort(),
  })
  return [await site(TEA), await site(CAKE)]
}

/** Starts a server at its site, which trusts the tests' authority and finds the other by the settings. */
export const start = async (
  t: ExecutionContext,
  { name, directory, port }: Site,
  others: readonly Site[],
  { authority, settings = {} }: { authority?: TestAuthority; settings?: Json } = {},
): Promise<RunningTestServer> => {
  const trusted = await testAuthority()
  const leaf = await (authority ?? trusted).issue([name])
  const files = { certificate: `${directory}.pem`, key: `${directory}.key`, ca: `${directory}.ca.pem` }
  writeFileSync(files.certificate, leaf.cert)
  writeFileSync(files.key, leaf.key, { mode: 0o600 })
  writeFileSync(files.ca, trusted.pem)
  const tls = { certificate: files.certificate, key: files.key }
  const server = await startTestServer({
    serverName: name,
    directory,
    settings: {
      listeners: [
        { host: '127.0.0.1', port: 0 },
        { host: '127.0.0.1', port, tls },
      ],
      ca_file: files.ca,
      federation: {
        deny_addresses: [],
        back_off: { min: '20ms', max: '20ms' },
        hosts: Object.fromEntries(others.map(other => [other.name, [`127.0.0.1:${other.port}`]])),
      },
      ...settings,
    },
  })
  t.teardown(server.close)
  return server
}

interface Pair {
  readonly tea: RunningTestServer
  readonly cake: RunningTestServer
  readonly alice: Person
  readonly bob: Person
}

export const pair = async (t: ExecutionContext, settings: Json = {}): Promise<Pair> => {
  const [first, second] = await sites(t)
  const [tea, cake] = [await start(t, first, [second], { settings }), await start(t, second, [first])]
  return { tea, cake, alice: await registerPerson(tea, 'alice'), bob: await registerPerson(cake, 'bob') }
}

export const invited = ({ body }: SyncView, roomId: string): readonly Json[] | undefined => {
  const rooms = body['rooms'] as { invite?: Record<string, { invite_state: { events: Json[] } }> } | undefined
  return rooms?.invite?.[roomId]?.invite_state.events
}

/** Syncs from the beginning, and on, until something holds. */
export const sees = async (person: Person, holds: (view: SyncView) => boolean): Promise<SyncView> => {
  const first = await syncAs(person)
  return holds(first) ? first : syncUntil(person, first.token, holds)
}

/** Waits until somebody's room holds a message. */
export const hears = (person: Person, roomId: string, body: string): Promise<SyncView> =>
  sees(person, view => view.timeline(roomId).some(({ content }) => content['body'] === body))

/** Waits until a membership is what it should be in the room as somebody sees it. */
export const seesMembership = (person: Person, roomId: string, userId: string, membership: string) =>
  sees(person, view =>
    view
      .timeline(roomId)
      .some(event => stateKeyOf(event) === userId && event.content['membership'] === membership),
  )

export const stateKeyOf = (event: object): unknown => (event as { state_key?: unknown }).state_key

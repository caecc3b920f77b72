/** A push gateway, and a server that notifies it. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { ExecutionContext } from 'ava'
import type { DatabaseConfig } from '../storage/open.ts'
import { eventually } from './eventually.ts'
import { FakeClock } from './fake-clock.ts'
import { type PeerAnswer, ScriptedPeer } from './https-server.ts'
import { aliceAndBob, type Person } from './person.ts'
import { type RunningTestServer, startTestServer } from './server.ts'
import { temporaryDirectory } from './temporary-directory.ts'
import { testAuthority } from './tls.ts'

type Json = Record<string, unknown>

/** The path by which a gateway is told. */
export const NOTIFY = '/_matrix/push/v1/notify'
/** The answer of a gateway that rejects no key. */
export const TAKEN: PeerAnswer = { json: { rejected: [] } }

/** A gateway that keeps what it was told, and answers as it is set. */
class Gateway {
  readonly peer: ScriptedPeer
  answer: PeerAnswer = TAKEN
  readonly url: string

  constructor(peer: ScriptedPeer) {
    this.peer = peer
    this.url = `https://${peer.serverName}${NOTIFY}`
    peer.always('POST', NOTIFY, () => this.answer)
  }

  get told(): Json[] {
    return this.peer.requests.map(({ body }) => (body as Json)['notification'] as Json)
  }

  /** The notification about an event, once it has come. */
  async of(eventId: string): Promise<Json> {
    const find = (): Json | undefined => this.told.find(one => one['event_id'] === eventId)
    await eventually(`a notification of ${eventId}`, () => find() !== undefined)
    return find() ?? {}
  }

  /** The notification with this index, once it has come. */
  async nth(index: number): Promise<Json> {
    await eventually(`notification ${index}`, () => this.told.length > index)
    return this.told[index] ?? {}
  }
}

interface GatewayWorld {
  readonly server: RunningTestServer
  readonly clock: FakeClock
  readonly gateway: Gateway
  readonly alice: Person
  readonly bob: Person
}

/** A server on a clock of its own with two people, that reaches the gateway; none of them has a pusher yet. */
export const gatewayWorld = async (t: ExecutionContext, database: DatabaseConfig): Promise<GatewayWorld> => {
  const gateway = new Gateway(await ScriptedPeer.start())
  t.teardown(() => gateway.peer.close())
  const caFile = join(temporaryDirectory(t), 'ca.pem')
  writeFileSync(caFile, (await testAuthority()).pem)
  const clock = new FakeClock()
  const server = await startTestServer({
    database,
    clock,
    settings: {
      ca_file: caFile,
      federation: { deny_addresses: [], hosts: Object.fromEntries([gateway.peer.hostsEntry]) },
    },
  })
  t.teardown(server.close)
  return { server, clock, gateway, ...(await aliceAndBob(server)) }
}

/** The body that sets a pusher to a gateway. */
export const pusher = (url: string, more: Json = {}): Json => ({
  app_id: 'test.app',
  pushkey: 'KEY',
  kind: 'http',
  app_display_name: 'App',
  device_display_name: 'Phone',
  profile_tag: 'tag',
  lang: 'de',
  data: { url, brand: 'x', deep: { er: 1 } },
  ...more,
})

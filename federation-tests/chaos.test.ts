import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import test from 'ava'
import { testPostgres } from '../src/test-kit/database.ts'
import { eventually } from '../src/test-kit/eventually.ts'
import { ScriptedPeer } from '../src/test-kit/https-server.ts'
import { PostgresProxy } from '../src/test-kit/postgres-proxy.ts'
import { SeededRandom } from '../src/test-kit/seeded-random.ts'
import { testAuthority } from '../src/test-kit/tls.ts'
import { type Answered, WorkerProcesses } from '../src/test-kit/worker-processes.ts'

/**
 * Several processes in a storm of sends, joins, key claims and messages for another server, while they are killed and stopped,
 * and their database is cut off. `TESSERA_CHAOS_SECONDS=300 TESSERA_CHAOS_WORKERS=4 npx ava federation-tests/chaos.test.ts` for
 * the long form, in which all of it happens again and again, and the workers are replaced as well.
 */
const LONG_MS = Number(process.env['TESSERA_CHAOS_SECONDS'] ?? 0) * 1_000
const WORKERS = Number(process.env['TESSERA_CHAOS_WORKERS'] ?? 2)
const SEED = Number(process.env['TESSERA_CHAOS_SEED'] ?? 1)
/** Leases pass on after so long. Milliseconds. */
const LEASE_MS = 600
const KEYS = LONG_MS > 0 ? 2_000 : 60
const JOINERS = LONG_MS > 0 ? 60 : 6

const at = (text: string): string => encodeURIComponent(text)

/** Repeats a request as clients do, until it is answered; refusals (4xx) are no answer that a storm excuses. */
const insist = async (attempt: () => Promise<Answered>): Promise<Answered['body']> => {
  for (;;) {
    const answer = await attempt().catch(() => undefined)
    if (answer !== undefined && answer.status < 300) return answer.body
    if (answer !== undefined && answer.status < 500)
      throw new Error(`refused: ${answer.status} ${JSON.stringify(answer.body)}`)
    await sleep(50)
  }
}

interface Client {
  readonly userId: string
  readonly deviceId: string
  readonly token: string
}

/** Follows `/sync` through whichever worker answers, and takes down all that it is told, in order. */
class Following {
  readonly bodies: string[] = []
  readonly messages: number[] = []
  readonly #events = new Set<string>()
  readonly doubled: string[] = []
  #isOver = false
  readonly #running: Promise<void>

  constructor(server: WorkerProcesses, { token }: Client) {
    this.#running = this.#follow(server, token)
  }

  async end(): Promise<void> {
    this.#isOver = true
    await this.#running
  }

  async #follow(server: WorkerProcesses, token: string): Promise<void> {
    const filter = at(JSON.stringify({ room: { timeline: { limit: 1_000 } }, presence: { types: [] } }))
    for (let since = ''; !this.#isOver; ) {
      const body = await insist(() =>
        server.call('GET', `/sync?timeout=500&filter=${filter}${since && `&since=${since}`}`, token),
      )
      since = body.next_batch
      for (const { content } of body.to_device?.events ?? []) this.messages.push(content.n)
      for (const room of Object.values<Answered['body']>(body.rooms?.join ?? {})) {
        for (const event of room.timeline.events) {
          if (this.#events.has(event.event_id)) this.doubled.push(event.event_id)
          this.#events.add(event.event_id)
          if (event.type === 'm.room.message') this.bodies.push(event.content.body)
        }
      }
    }
  }
}

/** A peer that takes down which messages for devices have reached it. */
const messagedPeer = async () => {
  const peer = await ScriptedPeer.start()
  const received = new Set<number>()
  peer.always('PUT', /^\/_matrix\/federation\/v1\/send\//, ({ body }) => {
    const { edus = [] } = body as { edus?: { edu_type: string; content: Answered['body'] }[] }
    for (const { edu_type: type, content } of edus) {
      if (type !== 'm.direct_to_device') continue
      for (const devices of Object.values<Answered['body']>(content.messages))
        for (const { n } of Object.values<{ n: number }>(devices)) received.add(n)
    }
    return { json: { pdus: {} } }
  })
  return { peer, received }
}

testPostgres(
  test,
  'nothing is lost or doubled when workers die, stand still and lose the database',
  async (t, database, config) => {
    await database.close()
    const directory = mkdtempSync(join(tmpdir(), 'tessera-chaos-'))
    t.teardown(() => rmSync(directory, { recursive: true, force: true }))
    const proxy = await PostgresProxy.start(t, config.url)
    const { peer, received } = await messagedPeer()
    t.teardown(() => peer.close())
    writeFileSync(join(directory, 'ca.pem'), (await testAuthority()).pem)
    const server = await WorkerProcesses.start(t, {
      directory,
      workers: WORKERS,
      settings: {
        server_name: 'chaos.test',
        listeners: [{ host: '127.0.0.1', port: 0 }],
        database: { url: proxy.url, max_connections: 3, lease: LEASE_MS },
        ca_file: join(directory, 'ca.pem'),
        federation: {
          deny_addresses: [],
          hosts: Object.fromEntries([peer.hostsEntry]),
          back_off: { min: 100, max: 500 },
        },
        registration: { mode: 'open' },
        passwords: { hashing: { memory: '8K', iterations: 1 } },
        rate_limits: { enabled: false },
        logging: { format: 'json', level: 'info' },
      },
    })
    const register = async (username: string): Promise<Client> => {
      const account = { username, password: 'correct horse battery', auth: { type: 'm.login.dummy' } }
      const { body } = await server.call('POST', '/register', '', account)
      return { userId: body.user_id, deviceId: body.device_id, token: body.access_token }
    }
    const [alice, bob] = [await register('alice'), await register('bob')]
    const joiners = await Promise.all(Array.from({ length: JOINERS }, (_, n) => register(`joiner${n}`)))
    const room = async (): Promise<string> =>
      (await server.call('POST', '/createRoom', alice.token, { preset: 'public_chat' })).body.room_id
    const rooms = [await room(), await room()]
    for (const roomId of rooms) await server.call('POST', `/join/${at(roomId)}`, bob.token, {})
    await server.call('POST', '/keys/upload', bob.token, {
      one_time_keys: Object.fromEntries(
        Array.from({ length: KEYS }, (_, n) => [`curve25519:${n}`, `key${n}`]),
      ),
    })
    const followers = [new Following(server, alice), new Following(server, bob)]

    const sent = new Map<string, string>()
    const answeredTwice: string[] = []
    const claimed: string[] = []
    const told: number[] = []
    const toldPeer: number[] = []
    let isStorming = true
    const sending = async (name: string): Promise<void> => {
      for (let n = 0; isStorming; n++) {
        const txn = `${name}-${n}`
        const roomId = rooms[n % rooms.length] ?? ''
        const say = () =>
          server.call('PUT', `/rooms/${at(roomId)}/send/m.room.message/${txn}`, alice.token, {
            msgtype: 'm.text',
            body: txn,
          })
        // Twice at once, as by a client that has given up waiting: two workers get it as often as one.
        const [one, other] = await Promise.all([insist(say), insist(say)])
        if (one.event_id !== other.event_id) answeredTwice.push(txn)
        sent.set(txn, one.event_id)
      }
    }
    const claiming = async (): Promise<void> => {
      while (isStorming && claimed.length < KEYS) {
        const query = { one_time_keys: { [bob.userId]: { [bob.deviceId]: 'curve25519' } } }
        const answer = await server.call('POST', '/keys/claim', alice.token, query).catch(() => undefined)
        const keys = answer?.body.one_time_keys?.[bob.userId]?.[bob.deviceId]
        if (answer?.status === 200 && keys !== undefined) claimed.push(...Object.keys(keys))
        await sleep(20)
      }
    }
    const telling = async (userId: string, deviceId: string, done: number[]): Promise<void> => {
      for (let n = 0; isStorming; n++) {
        const messages = { [userId]: { [deviceId]: { n } } }
        await insist(() =>
          server.call('PUT', `/sendToDevice/m.test/${userId}-${n}`, alice.token, { messages }),
        )
        done.push(n)
      }
    }
    const joining = async (): Promise<void> => {
      for (const { token } of joiners) {
        for (const roomId of rooms) await insist(() => server.call('POST', `/join/${at(roomId)}`, token, {}))
        await sleep(LONG_MS / JOINERS / 2)
      }
    }
    const storm = Promise.all([
      ...['a', 'b', 'c'].map(sending),
      claiming(),
      telling(bob.userId, bob.deviceId, told),
      telling(`@eve:${peer.serverName}`, 'DEVICE', toldPeer),
      joining(),
    ])

    const anyWorker = (): number => 1 + dice.below(WORKERS)
    const dice = new SeededRandom(SEED)
    const listens = (worker: number): Promise<void> =>
      eventually(`worker ${worker} listens`, () => server.pids.has(worker))
    const kill = async (worker: number): Promise<void> => {
      await listens(worker)
      server.signal(worker, 'SIGKILL')
    }
    const standStill = async (worker: number): Promise<void> => {
      await listens(worker)
      server.signal(worker, 'SIGSTOP')
      await sleep(2 * LEASE_MS)
      server.signal(worker, 'SIGCONT')
    }
    const goesOn = (): Promise<void> => {
      const before = sent.size
      return eventually('the storm goes on', () => sent.size >= before + 8)
    }
    await goesOn()
    // Whoever listens first has all leases.
    await standStill(1)
    await goesOn()
    proxy.cut()
    await goesOn()
    await kill(1)
    await goesOn()
    for (const end = Date.now() + LONG_MS; Date.now() < end; await goesOn()) {
      const what = dice.fraction()
      if (what < 0.3) await kill(anyWorker())
      else if (what < 0.6) await standStill(anyWorker())
      else if (what < 0.9) proxy.cut()
      else server.roll()
    }
    isStorming = false
    await storm

    await eventually(
      'all messages reach the device',
      () => (followers[1]?.messages.length ?? 0) >= told.length,
    )
    await eventually('all events reach who follows', () =>
      followers.every(({ bodies }) => bodies.length >= sent.size),
    )
    await eventually('all messages reach the other server', () => toldPeer.every(n => received.has(n)))
    for (const follower of followers) {
      await follower.end()
      t.deepEqual(follower.doubled, [], 'no event comes twice')
      t.deepEqual(follower.bodies.toSorted(), [...sent.keys()].toSorted(), 'each event once')
    }
    t.deepEqual(followers[1]?.messages, told, 'each message for a device once, in order')
    t.deepEqual(answeredTwice, [], 'one transaction, one event')
    t.is(new Set(claimed).size, claimed.length, 'no key is given twice')
    for (const roomId of rooms) {
      const { body } = await server.call('GET', `/rooms/${at(roomId)}/joined_members`, alice.token)
      t.is(Object.keys(body.joined).length, 2 + joiners.length, 'all who were told so are in the room')
    }
    t.log(server.complaints.join('\n'))
    t.log({ sent: sent.size, claimed: claimed.length, told: told.length, toldPeer: toldPeer.length })
    t.true(sent.size > 10 && claimed.length > 0 && told.length > 0 && toldPeer.length > 0, 'it was a storm')
    t.is(await server.stop(), 0)
  },
)

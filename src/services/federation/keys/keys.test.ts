import test, { type ExecutionContext } from 'ava'
import type { JsonObject } from '../../../core/json.ts'
import { silentLog } from '../../../core/log.ts'
import { type SigningKey, signingKeyFromSeed, signJson, verifyJson } from '../../../core/signing.ts'
import type { KeyQuery, ServerKeys } from '../../../network/federation/keys.ts'
import { FederationError } from '../../../network/federation-client.ts'
import { testDatabase, testDatabases } from '../../../test-kit/database.ts'
import { FakeClock } from '../../../test-kit/fake-clock.ts'
import { permitsOf } from '../options.ts'
import { KeyFetcher } from './key-fetcher.ts'
import { KeyRing } from './key-ring.ts'
import { Notary } from './notary.ts'
import { OwnKeys } from './own-keys.ts'

const DAY = 24 * 60 * 60_000
const keyOf = (seed: number, id = 'ed25519:k'): SigningKey =>
  signingKeyFromSeed(id, new Uint8Array(32).fill(seed))

interface Published {
  readonly active: readonly SigningKey[]
  readonly retired?: readonly { readonly key: SigningKey; readonly expiredTs: number }[]
  readonly validUntilTs: number
  /** Signs in place of the active keys. */
  readonly signedBy?: SigningKey
}

const documentOf = (serverName: string, published: Published): ServerKeys => {
  const { active, retired = [], validUntilTs, signedBy } = published
  const unsigned: JsonObject = {
    server_name: serverName,
    valid_until_ts: validUntilTs,
    verify_keys: Object.fromEntries(active.map(key => [key.keyId, { key: key.publicKey }])),
    old_verify_keys: Object.fromEntries(
      retired.map(({ key, expiredTs }) => [key.keyId, { key: key.publicKey, expired_ts: expiredTs }]),
    ),
  }
  const signers = signedBy === undefined ? active : [signedBy]
  return {
    serverName,
    validUntilTs,
    verifyKeys: new Map(active.map(key => [key.keyId, key.publicKey])),
    oldVerifyKeys: new Map(
      retired.map(({ key, expiredTs }) => [key.keyId, { key: key.publicKey, expiredTs }]),
    ),
    raw: signers.reduce((document, key) => signJson(document, serverName, key), unsigned),
  }
}

/** Other servers, as far as their keys go. */
class Servers {
  readonly published = new Map<string, Published>()
  /** Server name → documents that it vouches for as a notary. */
  readonly vouched = new Map<string, ServerKeys[]>()
  readonly asked: string[] = []
  /** Servers that never answer. */
  readonly silent = new Set<string>()
  /** What the notaries were asked last. */
  query: KeyQuery = new Map()

  async getServerKeys(server: string): Promise<ServerKeys> {
    this.asked.push(server)
    await Promise.resolve()
    if (this.silent.has(server)) return new Promise(() => {})
    const published = this.published.get(server)
    if (published === undefined) throw new FederationError('unreachable', server, 'down')
    return documentOf(server, published)
  }

  async queryKeys(notary: string, query: KeyQuery): Promise<ServerKeys[]> {
    this.query = query
    this.asked.push(`${notary}? ${[...query.keys()].join(' ')}`)
    return this.vouched.get(notary) ?? []
  }
}

const world = async (
  t: ExecutionContext,
  options: {
    notaries?: string[]
    denyServers?: string[]
    database?: Awaited<ReturnType<typeof testDatabase>>
  } = {},
) => {
  const clock = new FakeClock()
  const servers = new Servers()
  const database = options.database ?? (await testDatabase(t))
  const permits = permitsOf({
    enabled: true,
    denyServers: options.denyServers ?? [],
    allowServers: undefined,
  })
  const own = new OwnKeys({
    serverName: 'here.test',
    active: [keyOf(1, 'ed25519:one'), keyOf(2, 'ed25519:two')],
    retired: [{ keyId: 'ed25519:old', publicKey: keyOf(3).publicKey, expiredTs: 5 }],
    clock,
  })
  const build = () => {
    const fetcher = new KeyFetcher({
      client: servers,
      clock,
      log: silentLog,
      permits,
      notaries: options.notaries ?? [],
    })
    return new KeyRing({ own, fetcher, database, clock })
  }
  const ring = build()
  return { clock, servers, own, ring, build, notary: new Notary({ own, ring, clock, permits }) }
}

test('our own document holds every key, and is signed by those in use', async t => {
  const { own, clock, ring } = await world(t)
  const document = own.document()
  t.deepEqual(Object.keys(document['verify_keys'] as JsonObject), ['ed25519:one', 'ed25519:two'])
  t.deepEqual(document['old_verify_keys'], {
    'ed25519:old': { expired_ts: 5, key: keyOf(3).publicKey },
  })
  t.true(verifyJson(document, 'here.test', 'ed25519:one', keyOf(1).publicKey))
  t.true(verifyJson(document, 'here.test', 'ed25519:two', keyOf(2).publicKey))
  const validUntil = Number(document['valid_until_ts'])
  t.true(validUntil > clock.now() + 60 * 60_000)
  await clock.advance(DAY)
  t.true(Number(own.document()['valid_until_ts']) > clock.now() + 60 * 60_000, 'none is about to expire')
  t.is(await ring.publicKey('here.test', 'ed25519:old'), keyOf(3).publicKey)
  t.is(await ring.publicKey('here.test', 'ed25519:none'), undefined)
})

testDatabases(test, 'keys are fetched once, and known after a restart', async (t, database) => {
  const { ring, servers, clock, build } = await world(t, { database })
  servers.published.set('there.test', { active: [keyOf(7)], validUntilTs: clock.now() + DAY })
  const asked = await Promise.all([1, 2, 3].map(() => ring.publicKey('there.test', 'ed25519:k')))
  t.deepEqual(asked, Array(3).fill(keyOf(7).publicKey))
  t.is(await build().publicKey('there.test', 'ed25519:k', { validAt: clock.now() }), keyOf(7).publicKey)
  t.deepEqual(servers.asked, ['there.test'])
})

test('a key counts only while it was in use', async t => {
  const { ring, servers, clock } = await world(t)
  const start = clock.now()
  servers.published.set('there.test', {
    active: [keyOf(7)],
    retired: [{ key: keyOf(8, 'ed25519:old'), expiredTs: start - 1_000 }],
    validUntilTs: start + 365 * DAY,
  })
  const at = (keyId: string, validAt: number) => ring.publicKey('there.test', keyId, { validAt })
  t.is(await at('ed25519:old', start - 1_000), keyOf(8).publicKey)
  t.is(await at('ed25519:old', start), undefined)
  t.is(
    await ring.publicKey('there.test', 'ed25519:old'),
    keyOf(8).publicKey,
    'where validity does not matter',
  )
  // Room versions 1 to 4.
  const inOldRooms = (keyId: string, validAt: number) =>
    ring.publicKey('there.test', keyId, { validAt, ignoresValidUntil: true })
  t.is(await inOldRooms('ed25519:k', start + 30 * DAY), keyOf(7).publicKey)
  t.is(await inOldRooms('ed25519:old', start - 1_000), keyOf(8).publicKey)
  t.is(await inOldRooms('ed25519:old', start), undefined, '“known to have expired”')
  t.is(await at('ed25519:k', start + 7 * DAY), keyOf(7).publicKey)
  t.is(await at('ed25519:k', start + 7 * DAY + 1), undefined, 'no longer than 7 days ahead, whatever it says')
  await clock.advance(8 * DAY)
  t.is(await at('ed25519:k', clock.now()), keyOf(7).publicKey, 'asked for again once it had run out')
})

test('a document counts only if its own keys have signed it', async t => {
  const { ring, servers, clock } = await world(t)
  const published = { active: [keyOf(7)], validUntilTs: clock.now() + DAY }
  servers.published.set('there.test', { ...published, signedBy: keyOf(9) })
  t.is(await ring.publicKey('there.test', 'ed25519:k'), undefined)
})

test('a server that does not answer is left alone for a while, longer each time, until it is heard of', async t => {
  const { ring, servers, clock } = await world(t)
  const ask = () => ring.publicKey('gone.test', 'ed25519:k')
  await ask()
  await ask()
  t.is(servers.asked.length, 1)
  await clock.advance(5_000)
  await ask()
  t.is(servers.asked.length, 2)
  await clock.advance(5_000)
  await ask()
  t.is(servers.asked.length, 2)
  servers.published.set('gone.test', { active: [keyOf(7)], validUntilTs: clock.now() + DAY })
  ring.forgive('gone.test')
  t.is(await ask(), keyOf(7).publicKey)
})

test('a key is found as soon as its server publishes it', async t => {
  const { ring, servers, clock } = await world(t)
  const publish = (key: SigningKey) =>
    servers.published.set('there.test', { active: [key], validUntilTs: clock.now() + DAY })
  publish(keyOf(7))
  t.is(await ring.publicKey('there.test', 'ed25519:other'), undefined)
  publish(keyOf(8, 'ed25519:other'))
  t.is(await ring.publicKey('there.test', 'ed25519:other'), keyOf(8).publicKey)
  t.is(await ring.publicKey('there.test', 'ed25519:k'), keyOf(7).publicKey, 'old events are still verified')
})

test('a server is asked ten times a minute for keys that it does not have', async t => {
  const { ring, servers, clock } = await world(t)
  servers.published.set('there.test', { active: [keyOf(7)], validUntilTs: clock.now() + DAY })
  const ask = async () => {
    for (let index = 0; index < 12; index++) await ring.publicKey('there.test', `ed25519:${index}`)
    return servers.asked.length
  }
  t.is(await ask(), 10)
  await clock.advance(60_000)
  t.is(await ask(), 20)
})

test('trusted notaries are asked for servers that are gone, together, and must have signed', async t => {
  const { ring, servers, clock } = await world(t, { notaries: ['notary.test'] })
  const until = clock.now() + DAY
  const notaryKey = keyOf(50)
  servers.published.set('notary.test', { active: [notaryKey], validUntilTs: until })
  const vouched = (name: string, seed: number, by = notaryKey) => {
    const keys = documentOf(name, { active: [keyOf(seed)], validUntilTs: until })
    return { ...keys, raw: signJson(keys.raw, 'notary.test', by) }
  }
  servers.vouched.set('notary.test', [
    vouched('x.test', 20),
    vouched('y.test', 21),
    vouched('z.test', 22, keyOf(51)),
  ])
  const names = ['x.test', 'y.test', 'z.test']
  const validAt = clock.now() + 5_000
  const keys = await Promise.all(names.map(name => ring.publicKey(name, 'ed25519:k', { validAt })))
  const wanted = new Map([['ed25519:k', validAt]])
  t.deepEqual(servers.query, new Map(names.map(name => [name, wanted])), '“MUST set minimum_valid_until_ts”')
  t.deepEqual(keys, [keyOf(20).publicKey, keyOf(21).publicKey, undefined])
  t.deepEqual(
    servers.asked.filter(asked => asked.includes('?')),
    ['notary.test? x.test y.test z.test'],
  )
})

test('servers that are denied are never asked', async t => {
  const { ring, notary, servers, clock } = await world(t, { denyServers: ['*.evil.test'] })
  servers.published.set('a.evil.test', { active: [keyOf(7)], validUntilTs: clock.now() + DAY })
  t.is(await ring.publicKey('a.evil.test', 'ed25519:k'), undefined)
  t.deepEqual(await notary.query(new Map([['a.evil.test', undefined]])), [])
  t.deepEqual(servers.asked, [])
})

test('as a notary we add our signature to what servers say, even after they are gone', async t => {
  const { notary, servers, clock } = await world(t)
  servers.published.set('there.test', { active: [keyOf(7)], validUntilTs: clock.now() + DAY })
  const ask = async (until?: number) => {
    const [document] = await notary.query(new Map([['there.test', until]]))
    return document ?? {}
  }
  const document = await ask()
  t.true(verifyJson(document, 'there.test', 'ed25519:k', keyOf(7).publicKey))
  t.true(verifyJson(document, 'here.test', 'ed25519:one', keyOf(1).publicKey))
  await ask()
  t.deepEqual(servers.asked, ['there.test'], 'kept for half of its lifetime')
  await clock.advance(DAY)
  servers.published.delete('there.test')
  t.true(verifyJson(await ask(), 'there.test', 'ed25519:k', keyOf(7).publicKey))
  t.deepEqual(await notary.query(new Map([['nobody.test', undefined]])), [])
  t.deepEqual(await notary.query(new Map([['not a name', undefined]])), [])
  const [own] = await notary.query(new Map([['here.test', undefined]]))
  t.is(own?.['server_name'], 'here.test')
})

test('servers that never answer keep nobody waiting but strangers, and of those not too many', async t => {
  const { ring, servers, clock, notary } = await world(t)
  const publish = (server: string) =>
    servers.published.set(server, { active: [keyOf(7)], validUntilTs: clock.now() + DAY })
  const asStranger = (server: string, keyId = 'ed25519:k') =>
    ring.publicKey(server, keyId, { validAt: clock.now(), forStrangers: true })
  publish('peer.test')
  publish('joined.test')
  publish('newcomer.test')
  t.is(await asStranger('peer.test'), keyOf(7).publicKey)
  const named = Array.from({ length: 600 }, (_, index) => `silent${index}.test`)
  for (const server of named) servers.silent.add(server)
  for (const server of named.slice(100)) void asStranger(server)
  void notary.query(new Map(named.slice(0, 100).map(server => [server, undefined])))
  await new Promise(resolve => setTimeout(resolve, 100))
  t.is(servers.asked.length, 51, 'the others wait')
  t.is(await asStranger('newcomer.test'), undefined, 'no more of them may wait')
  t.is(await ring.publicKey('joined.test', 'ed25519:k'), keyOf(7).publicKey, 'an event that was asked for')
  servers.published.set('peer.test', { active: [keyOf(8, 'ed25519:new')], validUntilTs: clock.now() + DAY })
  t.is(await asStranger('peer.test', 'ed25519:new'), keyOf(8).publicKey, 'a server that is known')
})

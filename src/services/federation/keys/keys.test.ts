import test from 'ava'
import type { JsonObject } from '../../../core/json.ts'
import { type SigningKey, verifyJson } from '../../../core/signing.ts'
import { testDatabases } from '../../../test-kit/database.ts'
import { eventually } from '../../../test-kit/eventually.ts'
import { DAY, keyOf, keyWorld } from '../../../test-kit/key-servers.ts'

test('our own document holds every key, and is signed by those in use', async t => {
  const { own, clock, ring } = await keyWorld(t)
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
  const { ring, servers, clock, build } = await keyWorld(t, { database })
  servers.published.set('there.test', { active: [keyOf(7)], validUntilTs: clock.now() + DAY })
  const asked = await Promise.all([1, 2, 3].map(() => ring.publicKey('there.test', 'ed25519:k')))
  t.deepEqual(asked, Array(3).fill(keyOf(7).publicKey))
  t.is(await build().publicKey('there.test', 'ed25519:k', { validAt: clock.now() }), keyOf(7).publicKey)
  t.deepEqual(servers.asked, ['there.test'])
})

test('a key counts only while it was in use', async t => {
  const { ring, servers, clock } = await keyWorld(t)
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
  const { ring, servers, clock } = await keyWorld(t)
  const published = { active: [keyOf(7)], validUntilTs: clock.now() + DAY }
  servers.published.set('there.test', { ...published, signedBy: keyOf(9) })
  t.is(await ring.publicKey('there.test', 'ed25519:k'), undefined)
})

test('a server that does not answer is left alone for a while, longer each time, until it is heard of', async t => {
  const { ring, servers, clock } = await keyWorld(t)
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
  const { ring, servers, clock } = await keyWorld(t)
  const publish = (key: SigningKey) =>
    servers.published.set('there.test', { active: [key], validUntilTs: clock.now() + DAY })
  publish(keyOf(7))
  t.is(await ring.publicKey('there.test', 'ed25519:other'), undefined)
  publish(keyOf(8, 'ed25519:other'))
  t.is(await ring.publicKey('there.test', 'ed25519:other'), keyOf(8).publicKey)
  t.is(await ring.publicKey('there.test', 'ed25519:k'), keyOf(7).publicKey, 'old events are still verified')
})

test('a server is asked ten times a minute for keys that it does not have', async t => {
  const { ring, servers, clock } = await keyWorld(t)
  servers.published.set('there.test', { active: [keyOf(7)], validUntilTs: clock.now() + DAY })
  const ask = async () => {
    for (let index = 0; index < 12; index++) await ring.publicKey('there.test', `ed25519:${index}`)
    return servers.asked.length
  }
  t.is(await ask(), 10)
  await clock.advance(60_000)
  t.is(await ask(), 20)
})

test('servers that never answer keep nobody waiting but strangers, and of those not too many', async t => {
  const { ring, servers, clock, notary } = await keyWorld(t)
  const publish = (server: string) =>
    servers.published.set(server, { active: [keyOf(7)], validUntilTs: clock.now() + DAY })
  const asStranger = (server: string, keyId = 'ed25519:k') =>
    ring.publicKey(server, keyId, { validAt: clock.now(), onBehalfOf: 'strangers' })
  publish('peer.test')
  publish('joined.test')
  publish('newcomer.test')
  t.is(await asStranger('peer.test'), keyOf(7).publicKey)
  const named = Array.from({ length: 600 }, (_, index) => `silent${index}.test`)
  for (const server of named) servers.silent.add(server)
  for (const server of named.slice(100)) void asStranger(server)
  void notary.query(new Map(named.slice(0, 100).map(server => [server, undefined])))
  await eventually('some are asked', () => servers.asked.length > 50)
  for (let turn = 0; turn < 50; turn++) await new Promise(resolve => setImmediate(resolve))
  t.is(servers.asked.length, 51, 'the others wait')
  t.is(await asStranger('newcomer.test'), undefined, 'no more of them may wait')
  t.is(await ring.publicKey('joined.test', 'ed25519:k'), keyOf(7).publicKey, 'an event that was asked for')
  servers.published.set('peer.test', { active: [keyOf(8, 'ed25519:new')], validUntilTs: clock.now() + DAY })
  t.is(await asStranger('peer.test', 'ed25519:new'), keyOf(8).publicKey, 'a server that is known')
})

test('nor do servers that were known once, and are gone', async t => {
  const { ring, servers, clock } = await keyWorld(t)
  const publish = (server: string, key = keyOf(7)) =>
    servers.published.set(server, { active: [key], validUntilTs: clock.now() + DAY })
  const asStranger = (server: string, keyId = 'ed25519:k') =>
    ring.publicKey(server, keyId, { validAt: clock.now(), onBehalfOf: 'strangers' })
  const gone = Array.from({ length: 60 }, (_, index) => `gone${index}.test`)
  for (const server of gone) publish(server)
  for (const server of gone) t.is(await asStranger(server), keyOf(7).publicKey)
  for (const server of gone) servers.silent.add(server)
  await clock.advance(9 * DAY)
  publish('peer.test')
  t.is(await asStranger('peer.test'), keyOf(7).publicKey)
  for (const server of gone) void asStranger(server, 'ed25519:none')
  publish('peer.test', keyOf(8, 'ed25519:new'))
  t.is(await asStranger('peer.test', 'ed25519:new'), keyOf(8).publicKey)
})

test('transactions do not wait for the keys of a thousand servers of a room that is being joined', async t => {
  const { ring, servers, clock } = await keyWorld(t)
  servers.published.set('new.test', { active: [keyOf(7)], validUntilTs: clock.now() + DAY })
  const gone = Array.from({ length: 60 }, (_, index) => `gone${index}.test`)
  for (const server of gone) servers.silent.add(server)
  for (const server of gone) void ring.publicKey(server, 'ed25519:k')
  const arrived = ring.publicKey('new.test', 'ed25519:k', { validAt: clock.now(), onBehalfOf: 'peers' })
  t.is(await arrived, keyOf(7).publicKey)
})

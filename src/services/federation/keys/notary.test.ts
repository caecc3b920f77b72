import test from 'ava'
import { type SigningKey, signJson, verifyJson } from '../../../core/signing.ts'
import { DAY, documentOf, keyOf, keyWorld } from '../../../test-kit/key-servers.ts'

test('trusted notaries are asked for servers that are gone, together, and must have signed', async t => {
  const { ring, servers, clock } = await keyWorld(t, { notaries: ['notary.test'] })
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

test('of a server that has changed its keys a notary may tell what it has said at several times', async t => {
  const { ring, servers, clock } = await keyWorld(t, { notaries: ['notary.test'] })
  const notaryKey = keyOf(50)
  servers.published.set('notary.test', { active: [notaryKey], validUntilTs: clock.now() + DAY })
  const vouched = (key: SigningKey, validUntilTs: number) => {
    const keys = documentOf('gone.test', { active: [key], validUntilTs })
    return { ...keys, raw: signJson(keys.raw, 'notary.test', notaryKey) }
  }
  const [old, recent] = [keyOf(20, 'ed25519:old'), keyOf(21, 'ed25519:recent')]
  servers.vouched.set('notary.test', [vouched(recent, clock.now() + DAY), vouched(old, clock.now())])
  t.is(await ring.publicKey('gone.test', 'ed25519:old', { validAt: clock.now() }), old.publicKey)
  t.is(await ring.publicKey('gone.test', 'ed25519:recent', { validAt: clock.now() }), recent.publicKey)
})

test('a server whose word is taken for one use vouches for nothing else, nor for whoever can be asked', async t => {
  const { ring, servers, clock } = await keyWorld(t, { denyServers: ['evil.test'] })
  const validUntilTs = clock.now() + DAY
  const voucherKey = keyOf(50)
  servers.published.set('room.test', { active: [voucherKey], validUntilTs })
  servers.published.set('there.test', { active: [keyOf(7, 'ed25519:own')], validUntilTs })
  const vouched = (name: string) => {
    const keys = documentOf(name, { active: [keyOf(20)], validUntilTs })
    return { ...keys, raw: signJson(keys.raw, 'room.test', voucherKey) }
  }
  const names = ['gone.test', 'there.test', 'evil.test']
  servers.vouched.set('room.test', names.map(vouched))
  const ask = (vouchedBy?: string) =>
    Promise.all(names.map(name => ring.publicKey(name, 'ed25519:k', { validAt: clock.now(), vouchedBy })))
  t.deepEqual(await ask('room.test'), [keyOf(20).publicKey, undefined, undefined])
  t.deepEqual(await ask(), [undefined, undefined, undefined])
  t.deepEqual(await ask('other.test'), [undefined, undefined, undefined])
  servers.published.delete('there.test')
  t.deepEqual(
    await ask('room.test'),
    [keyOf(20).publicKey, undefined, undefined],
    'it was there a moment ago',
  )
  t.deepEqual(
    servers.asked.filter(asked => asked.startsWith('room.test?')),
    ['room.test? gone.test'],
  )
})

test('of what is vouched for the newest counts, and what can be no key is not asked for', async t => {
  const { ring, servers, clock } = await keyWorld(t)
  const now = clock.now()
  const voucherKey = keyOf(50)
  servers.published.set('room.test', { active: [voucherKey], validUntilTs: now + DAY })
  const vouched = (validUntilTs: number) => {
    const keys = documentOf('gone.test', { active: [keyOf(20)], validUntilTs })
    return { ...keys, raw: signJson(keys.raw, 'room.test', voucherKey) }
  }
  servers.vouched.set('room.test', [vouched(now - DAY), vouched(now + DAY)])
  const ask = (keyId: string) => ring.publicKey('gone.test', keyId, { validAt: now, vouchedBy: 'room.test' })
  t.is(await ask('ed25519:k'), keyOf(20).publicKey)
  const asked = servers.asked.length
  t.is(await ask(`ed25519:${'x'.repeat(60_000)}`), undefined)
  t.is(servers.asked.length, asked)
})

test('a server that vouches for nothing, or cannot be heard, is soon asked again', async t => {
  const { ring, servers, clock } = await keyWorld(t)
  const validUntilTs = clock.now() + DAY
  const voucherKey = keyOf(50)
  const keys = documentOf('gone.test', { active: [keyOf(20)], validUntilTs })
  const ask = () => ring.publicKey('gone.test', 'ed25519:k', { validAt: clock.now(), vouchedBy: 'room.test' })
  t.is(await ask(), undefined)
  servers.published.set('room.test', { active: [voucherKey], validUntilTs })
  servers.vouched.set('room.test', [{ ...keys, raw: signJson(keys.raw, 'room.test', voucherKey) }])
  t.is(await ask(), undefined, 'not for each event anew')
  await clock.advance(30_000)
  t.is(await ask(), keyOf(20).publicKey)
})

test('servers that are denied are never asked', async t => {
  const { ring, notary, servers, clock } = await keyWorld(t, { denyServers: ['*.evil.test'] })
  servers.published.set('a.evil.test', { active: [keyOf(7)], validUntilTs: clock.now() + DAY })
  t.is(await ring.publicKey('a.evil.test', 'ed25519:k'), undefined)
  t.deepEqual(await notary.query(new Map([['a.evil.test', undefined]])), [])
  t.deepEqual(servers.asked, [])
})

test('as a notary we add our signature to what servers say, even after they are gone', async t => {
  const { notary, servers, clock } = await keyWorld(t)
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

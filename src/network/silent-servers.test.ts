import test from 'ava'
import { FakeClock } from '../test-kit/fake-clock.ts'
import { FederationError, type FederationFailure } from './federation/federation-error.ts'
import { SilentServers } from './silent-servers.ts'

const setUp = () => {
  const clock = new FakeClock()
  const servers = new SilentServers(clock)
  let asked = 0
  /** Asks a server that fails, after a time; `undefined`: it answers. Answers whether it was asked. */
  const ask = async (
    kind: FederationFailure | undefined,
    { ms = 2_000, status = 0, server = 'gone.test', begins = false } = {},
  ) => {
    const before = asked
    const request = servers.ask(server, async answered => {
      asked++
      if (begins) answered()
      await clock.advance(ms)
      if (kind !== undefined) throw new FederationError(kind, server, 'no', status === 0 ? {} : { status })
    })
    await request.catch(() => undefined)
    return asked > before
  }
  return { clock, servers, ask }
}

test('a server that cannot be reached is left alone for longer and longer, but never for long', async t => {
  const { clock, ask } = setUp()
  for (const wait of [10_000, 20_000, 40_000, 80_000, 120_000, 120_000]) {
    t.true(await ask('unreachable'))
    await clock.advance(wait - 1)
    t.false(await ask(undefined), `${wait} ms later`)
    t.true(await ask(undefined, { server: 'other.test' }))
    await clock.advance(1)
  }
  t.true(await ask(undefined))
  t.true(await ask('unreachable'), 'once it has answered, all is forgotten')
  await clock.advance(10_000)
  t.true(await ask(undefined))
})

test('a server that is heard of is asked again', async t => {
  const { clock, servers, ask } = setUp()
  servers.heardOf('gone.test')
  for (const wait of [10_000, 20_000, 40_000]) {
    await ask('unreachable')
    await clock.advance(wait)
  }
  await ask('unreachable')
  servers.heardOf('gone.test')
  t.false(await ask(undefined))
  await clock.advance(10_000)
  t.true(await ask(undefined))
})

test('only silence counts: no refusals, nothing that fails at once, nor the impatience of those who ask', async t => {
  const { clock, ask } = setUp()
  for (const kind of ['response', 'malformed', 'too-large', 'denied'] as const) t.true(await ask(kind))
  t.true(await ask('unreachable', { ms: 1_999 }))
  t.true(await ask('timeout', { ms: 4_999 }))
  t.true(await ask('timeout', { ms: 60_000, status: 200 }), 'it has begun to answer')
  t.true(await ask('timeout', { ms: 60_000, begins: true }), 'and here too')
  t.true(await ask('timeout', { ms: 5_000 }))
  t.false(await ask(undefined))
  await clock.advance(10_000)
  t.true(await ask('timeout', { ms: 1 }))
  t.true(await ask('unreachable', { ms: 1 }))
  t.true(await ask(undefined), 'nor does it keep others from asking')
})

test('one finds out whether it is there again; several who found out at once count as one', async t => {
  const { clock, servers, ask } = setUp()
  const error = new FederationError('unreachable', 'gone.test', 'no')
  const { promise, reject } = Promise.withResolvers<never>()
  const waiting = [1, 2, 3].map(() => servers.ask('gone.test', () => promise).catch(() => undefined))
  await clock.advance(2_000)
  reject(error)
  await Promise.all(waiting)
  await clock.advance(10_000)
  const probe = Promise.withResolvers<void>()
  const probing = servers.ask('gone.test', () => probe.promise)
  const beside = ask(undefined)
  await clock.advance(2_000)
  t.false(await beside, 'for so long it is waited for')
  probe.resolve()
  await probing
  t.true(await ask(undefined))
})

test('who asks beside the one who finds that a server is there again is not refused', async t => {
  const { clock, servers, ask } = setUp()
  await ask('unreachable')
  await clock.advance(10_000)
  const slow = Promise.withResolvers<void>()
  const probe = Promise.withResolvers<() => void>()
  const probing = servers.ask('gone.test', answered => {
    probe.resolve(answered)
    return slow.promise
  })
  const beside = [1, 2, 3].map(() => servers.ask('gone.test', async () => 'there'))
  const begun = await probe.promise
  begun()
  t.deepEqual(await Promise.all(beside), ['there', 'there', 'there'], 'before all of the answer is there')
  slow.resolve()
  await probing
})

test('an answer that began before the server fell silent tells nobody whether it is back', async t => {
  const { clock, servers, ask } = setUp()
  const large = Promise.withResolvers<void>()
  const receiving = servers.ask('gone.test', answered => {
    answered()
    return large.promise
  })
  t.true(await ask('unreachable'))
  await clock.advance(10_000)
  const probe = Promise.withResolvers<void>()
  const probing = servers.ask('gone.test', () => probe.promise)
  const beside = ask(undefined)
  await clock.advance(1_000)
  probe.resolve()
  await probing
  t.true(await beside)
  large.resolve()
  await receiving
})

test('a server that answers others is not silent to whom one request takes too long', async t => {
  const { clock, servers, ask } = setUp()
  const large = Promise.withResolvers<void>()
  const asking = servers.ask('gone.test', () => large.promise).catch(() => undefined)
  await clock.advance(5_000)
  t.true(await ask(undefined, { ms: 100 }))
  await clock.advance(5_000)
  large.reject(new FederationError('timeout', 'gone.test', 'no'))
  await asking
  t.true(await ask(undefined))
})

test('a clock that was set back keeps nobody from asking', async t => {
  let now = 1_000_000_000
  const servers = new SilentServers({ now: () => now, sleep: async () => {} })
  const fails = servers.ask('gone.test', async () => {
    now += 10_000
    throw new FederationError('timeout', 'gone.test', 'no')
  })
  await t.throwsAsync(fails)
  await t.throwsAsync(servers.ask('gone.test', async () => {}))
  now -= 3_600_000
  t.is(await servers.ask('gone.test', async () => 'here'), 'here')
})

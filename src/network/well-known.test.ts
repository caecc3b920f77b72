import test from 'ava'
import { FakeClock } from '../test-kit/fake-clock.ts'
import { lifetimeOf } from './http-caching.ts'
import type { OutboundResponse } from './http-client.ts'
import { WellKnownLookup } from './well-known.ts'

const MINUTE = 60_000
const HOUR = 60 * MINUTE

const answer = (content: unknown, headers: Record<string, string> = {}): OutboundResponse => ({
  status: 200,
  headers,
  body: Buffer.from(JSON.stringify(content)),
})

const document = { 'm.server': 'b.test:1' }

/** A look-up whose world answers what `world.response` is, or nothing, and counts the questions. */
const lookupIn = (world: { response?: OutboundResponse }) => {
  const clock = new FakeClock()
  const asked: number[] = []
  const start = clock.now()
  const lookup = new WellKnownLookup(clock, async () => {
    asked.push((clock.now() - start) / MINUTE)
    if (world.response === undefined) throw new Error('no route to host')
    return world.response
  })
  return { clock, asked, lookup }
}

/** For how long an answer is kept, in milliseconds, to the minute. */
const keptFor = async (response: OutboundResponse): Promise<number> => {
  const { clock, asked, lookup } = lookupIn({ response })
  for (let minute = 0; minute < 4_000 && asked.length < 2; minute++) {
    await lookup.delegateOf('a.test')
    await clock.advance(MINUTE)
  }
  return (asked[1] ?? Number.POSITIVE_INFINITY) * MINUTE
}

test('answers are kept as their headers say, within limits', async t => {
  t.is(await keptFor(answer(document)), 24 * HOUR)
  t.is(await keptFor(answer(document, { 'cache-control': 'public, max-age=7200' })), 2 * HOUR)
  t.is(await keptFor(answer(document, { 'cache-control': 'max-age=7200', age: '3600' })), HOUR)
  t.is(await keptFor(answer(document, { 'cache-control': 'max-age=999999999' })), 48 * HOUR)
  t.is(await keptFor(answer(document, { 'cache-control': 'no-store' })), MINUTE)
  t.is(await keptFor(answer({}, { 'cache-control': 'max-age=7200' })), MINUTE, 'an error, the first time')
})

test('errors are asked again with growing patience, at least every hour, and forgotten on success', async t => {
  const world: { response?: OutboundResponse } = {}
  const { clock, asked, lookup } = lookupIn(world)
  const pass = async (minutes: number) => {
    for (let minute = 0; minute < minutes; minute++) {
      await lookup.delegateOf('a.test')
      await clock.advance(MINUTE)
    }
  }
  await pass(300)
  t.deepEqual(asked, [0, 1, 3, 7, 15, 31, 63, 123, 183, 243])

  world.response = answer(document, { 'cache-control': 'max-age=60' })
  await pass(5)
  t.is(await lookup.delegateOf('a.test'), 'b.test:1')
  delete world.response
  await clock.advance(MINUTE)
  asked.length = 0
  await pass(4)
  t.is(asked.length, 3, 'patience starts anew')
})

test('a host that is away for a while delegates as before, one that says otherwise does not', async t => {
  const world: { response?: OutboundResponse } = { response: answer(document) }
  const { clock, lookup } = lookupIn(world)
  const now = async (response: OutboundResponse | undefined, hours: number) => {
    if (response === undefined) delete world.response
    else world.response = response
    for (let hour = 0; hour < hours; hour++) {
      await clock.advance(HOUR)
      await lookup.delegateOf('a.test')
    }
    return lookup.delegateOf('a.test')
  }
  t.is(await now(answer(document), 0), 'b.test:1')
  t.is(await now(undefined, 25), 'b.test:1')
  t.is(await now({ ...answer({}), status: 503 }, 22), 'b.test:1')
  t.is(await now(undefined, 2), undefined, 'no longer than an answer may be kept')
  t.is(await now(answer(document), 2), 'b.test:1')
  t.is(await now({ ...answer({}), status: 404 }, 25), undefined)
  t.is(await now(undefined, 2), undefined, 'which is not forgotten either')
})

test('the lifetime of a response by its headers', t => {
  const now = Date.UTC(2026, 0, 1)
  const date = new Date(now).toUTCString()
  const inAnHour = new Date(now + HOUR).toUTCString()
  t.is(lifetimeOf({}, now), undefined)
  t.is(lifetimeOf({ 'cache-control': 'private, MAX-AGE="60"' }, now), MINUTE)
  t.is(lifetimeOf({ 'cache-control': 'max-age=60, no-cache' }, now), 0)
  t.is(lifetimeOf({ 'cache-control': 'max-age=60', age: '90' }, now), 0)
  t.is(lifetimeOf({ 'cache-control': 's-maxage=60' }, now), undefined)
  t.is(lifetimeOf({ expires: inAnHour }, now), HOUR)
  t.is(lifetimeOf({ expires: inAnHour, date }, now + 5 * HOUR), HOUR, 'clocks may differ')
  t.is(lifetimeOf({ expires: '0' }, now), 0)
  t.is(lifetimeOf({ expires: date }, now + HOUR), 0)
})

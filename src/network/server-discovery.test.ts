import test from 'ava'
import { FakeClock } from '../test-kit/fake-clock.ts'
import type { OutboundResponse } from './http-client.ts'
import type { ServiceRecord } from './name-resolver.ts'
import { ServerDiscovery } from './server-discovery.ts'
import { WellKnownLookup } from './well-known.ts'

const MINUTE = 60_000

const answer = (content: unknown, headers: Record<string, string> = {}, status = 200): OutboundResponse => ({
  status,
  headers,
  body: Buffer.from(typeof content === 'string' ? content : JSON.stringify(content)),
})

const srv = (target: string, port: number, priority = 10, weight = 0): ServiceRecord => ({
  target,
  port,
  priority,
  weight,
})

interface World {
  /** What a host answers at its well-known address; hosts that are not here do not answer. */
  wellKnown?: Record<string, OutboundResponse>
  /** `undefined`: the DNS does not say. */
  services?: Record<string, readonly ServiceRecord[] | undefined>
  clock?: FakeClock
}

/** A discovery in a world made of two tables, and the log of what it looked up. */
const discoveryIn = ({ wellKnown = {}, services = {}, clock = new FakeClock() }: World) => {
  const log: string[] = []
  const lookup = new WellKnownLookup(clock, async host => {
    log.push(`https://${host}`)
    const found = wellKnown[host]
    if (found === undefined) throw new Error('no route to host')
    return found
  })
  const resolver = {
    services: async (name: string) => {
      log.push(name)
      return name in services ? services[name] : []
    },
  }
  return {
    clock,
    log,
    discovery: new ServerDiscovery({ clock, resolver, wellKnown: lookup, random: () => 0 }),
  }
}

interface Case {
  readonly step: string
  readonly name: string
  readonly world?: World
  /** `host:port` of the candidates, then the Host header, then the name in the certificate. */
  readonly expected: readonly [string, string, string]
  readonly asked?: readonly string[]
}

const delegates = (from: string, to: string): Record<string, OutboundResponse> => ({
  [from]: answer({ 'm.server': to }),
})

const CASES: readonly Case[] = [
  { step: '1', name: '1.2.3.4', expected: ['1.2.3.4:8448', '1.2.3.4', '1.2.3.4'], asked: [] },
  { step: '1', name: '1.2.3.4:80', expected: ['1.2.3.4:80', '1.2.3.4:80', '1.2.3.4'], asked: [] },
  {
    step: '1',
    name: '[2001:db8::1]',
    expected: ['2001:db8::1:8448', '[2001:db8::1]', '2001:db8::1'],
    asked: [],
  },
  { step: '1', name: '[::1]:99', expected: ['::1:99', '[::1]:99', '::1'], asked: [] },
  { step: '2', name: 'a.test:443', expected: ['a.test:443', 'a.test:443', 'a.test'], asked: [] },
  {
    step: '3.1',
    name: 'a.test',
    world: { wellKnown: delegates('a.test', '1.2.3.4') },
    expected: ['1.2.3.4:8448', '1.2.3.4', '1.2.3.4'],
    asked: ['https://a.test'],
  },
  {
    step: '3.1 with a port',
    name: 'a.test',
    world: { wellKnown: delegates('a.test', '[::1]:99') },
    expected: ['::1:99', '[::1]:99', '::1'],
  },
  {
    step: '3.2',
    name: 'a.test',
    world: { wellKnown: delegates('a.test', 'b.test:99') },
    expected: ['b.test:99', 'b.test:99', 'b.test'],
    asked: ['https://a.test'],
  },
  {
    step: '3.3',
    name: 'a.test',
    world: {
      wellKnown: delegates('a.test', 'b.test'),
      services: { '_matrix-fed._tcp.b.test': [srv('c.test', 99)], '_matrix._tcp.b.test': [srv('d.test', 1)] },
    },
    expected: ['c.test:99', 'b.test', 'b.test'],
    asked: ['https://a.test', '_matrix-fed._tcp.b.test'],
  },
  {
    step: '3.4',
    name: 'a.test',
    world: {
      wellKnown: delegates('a.test', 'b.test'),
      services: { '_matrix._tcp.b.test': [srv('c.test', 99)] },
    },
    expected: ['c.test:99', 'b.test', 'b.test'],
    asked: ['https://a.test', '_matrix-fed._tcp.b.test', '_matrix._tcp.b.test'],
  },
  {
    step: '3.5, without asking the delegate for a document of its own',
    name: 'a.test',
    world: { wellKnown: { ...delegates('a.test', 'b.test'), ...delegates('b.test', 'c.test') } },
    expected: ['b.test:8448', 'b.test', 'b.test'],
  },
  {
    step: '4',
    name: 'a.test',
    world: { services: { '_matrix-fed._tcp.a.test': [srv('c.test.', 99)] } },
    expected: ['c.test:99', 'a.test', 'a.test'],
  },
  {
    step: '5',
    name: 'a.test',
    world: { services: { '_matrix._tcp.a.test': [srv('c.test', 99)] } },
    expected: ['c.test:99', 'a.test', 'a.test'],
  },
  {
    step: '4 with several targets',
    name: 'a.test',
    world: { services: { '_matrix-fed._tcp.a.test': [srv('late.test', 1, 20), srv('first.test', 2, 10)] } },
    expected: ['first.test:2 late.test:1', 'a.test', 'a.test'],
  },
  { step: '6', name: 'a.test', expected: ['a.test:8448', 'a.test', 'a.test'] },
  { step: '6 with the dot of the root', name: 'a.test.', expected: ['a.test.:8448', 'a.test.', 'a.test'] },
  ...[
    ['not JSON', answer('m.server')],
    ['an empty object', answer({})],
    ['a list', answer(['b.test'])],
    ['a number', answer({ 'm.server': 5 })],
    ['no server name', answer({ 'm.server': 'https://b.test/' })],
    ['an impossible port', answer({ 'm.server': 'b.test:65536' })],
    ['status 404', answer({ 'm.server': 'b.test:1' }, {}, 404)],
    ['status 201', answer({ 'm.server': 'b.test:1' }, {}, 201)],
    ['a redirect that leads nowhere', answer({ 'm.server': 'b.test:1' }, {}, 302)],
    ['deep JSON', answer(`{"m.server":"b.test:1","x":${'['.repeat(5_000)}${']'.repeat(5_000)}}`)],
  ].map(
    ([what, response]): Case => ({
      step: `6 because the document is invalid: ${what}`,
      name: 'a.test',
      world: { wellKnown: { 'a.test': response as OutboundResponse } },
      expected: ['a.test:8448', 'a.test', 'a.test'],
    }),
  ),
  {
    step: '3.2 whatever the content type, whatever stands beside it',
    name: 'a.test',
    world: {
      wellKnown: { 'a.test': answer({ 'm.server': 'b.test:9', other: 1 }, { 'content-type': 'text/html' }) },
    },
    expected: ['b.test:9', 'b.test:9', 'b.test'],
  },
]

for (const { step, name, world = {}, expected, asked } of CASES) {
  test(`discovery, step ${step}: ${name}`, async t => {
    const { discovery, log } = discoveryIn(world)
    const { candidates, hostHeader, tlsServerName } = await discovery.resolve(name)
    const endpoints = candidates.map(({ host, port }) => `${host}:${port}`).join(' ')
    t.deepEqual([endpoints, hostHeader, tlsServerName], [...expected])
    if (asked !== undefined) t.deepEqual(log, [...asked])
  })
}

test('what is no server name is refused, and so is a domain that says it has no server', async t => {
  const services = {
    '_matrix-fed._tcp.none.test': [srv('.', 0)],
    '_matrix._tcp.none.test': [srv('c.test', 1)],
  }
  const { discovery } = discoveryIn({ services })
  for (const name of ['', 'a b', 'a.test:0', '[1.2.3.4]', 'a.test/path', 'user@a.test', 'none.test']) {
    await t.throwsAsync(discovery.resolve(name), { name: 'OutboundError' }, name)
  }
})

test('concurrent look-ups of a server share their questions', async t => {
  const { discovery, log } = discoveryIn({})
  await Promise.all([discovery.resolve('a.test'), discovery.resolve('a.test'), discovery.resolve('A.test')])
  t.deepEqual(log, ['https://a.test', '_matrix-fed._tcp.a.test', '_matrix._tcp.a.test'])
})

test('a server is where it was while the DNS does not say where it is', async t => {
  const services: World['services'] = { '_matrix-fed._tcp.a.test': [srv('b.test', 1)] }
  const { discovery, clock } = discoveryIn({ services })
  const place = async (name: string) => (await discovery.resolve(name)).candidates
  t.deepEqual(await place('a.test'), [{ host: 'b.test', port: 1 }])
  services['_matrix-fed._tcp.a.test'] = undefined
  services['_matrix-fed._tcp.c.test'] = undefined
  await clock.advance(5 * MINUTE)
  t.deepEqual(await place('a.test'), [{ host: 'b.test', port: 1 }])
  t.deepEqual(await place('c.test'), [{ host: 'c.test', port: 8448 }], 'as if there were none')
  services['_matrix-fed._tcp.c.test'] = [srv('d.test', 2)]
  await clock.advance(MINUTE / 4)
  t.deepEqual(await place('c.test'), [{ host: 'd.test', port: 2 }], 'but not for long')
})

test('what was guessed while the DNS said nothing gives way to what it says of the older service', async t => {
  const untold = { '_matrix-fed._tcp.a.test': undefined, '_matrix._tcp.a.test': undefined }
  const services: World['services'] = { ...untold }
  const { discovery, clock } = discoveryIn({ services })
  const place = async () => (await discovery.resolve('a.test')).candidates
  t.deepEqual(await place(), [{ host: 'a.test', port: 8448 }])
  services['_matrix._tcp.a.test'] = [srv('b.test', 1)]
  await clock.advance(MINUTE / 4)
  t.deepEqual(await place(), [{ host: 'b.test', port: 1 }])
})

test('a DNS that never says anything of services is asked less and less, and soon when it has', async t => {
  const silent = { '_matrix-fed._tcp.a.test': undefined, '_matrix._tcp.a.test': undefined }
  const services: World['services'] = { ...silent }
  const { discovery, clock, log } = discoveryIn({ services })
  const asks = async (minutes: number): Promise<number> => {
    const before = log.length
    for (let quarter = 0; quarter < minutes * 4; quarter++) {
      await clock.advance(MINUTE / 4)
      await discovery.resolve('a.test')
    }
    return log.slice(before).filter(asked => asked === '_matrix-fed._tcp.a.test').length
  }
  await discovery.resolve('a.test')
  t.is(await asks(10), 5)
  t.is(await asks(60), 12)
  services['_matrix-fed._tcp.a.test'] = [srv('b.test', 1)]
  await clock.advance(5 * MINUTE)
  t.deepEqual((await discovery.resolve('a.test')).candidates, [{ host: 'b.test', port: 1 }])
  Object.assign(services, silent)
  await clock.advance(5 * MINUTE)
  await discovery.resolve('a.test')
  t.is(await asks(1 / 4), 1)
})

test('services are asked for again after five minutes', async t => {
  const services: Record<string, readonly ServiceRecord[]> = {}
  const { discovery, clock } = discoveryIn({ services })
  const host = async () => (await discovery.resolve('a.test')).candidates[0]?.host
  t.is(await host(), 'a.test')
  services['_matrix._tcp.a.test'] = [srv('moved.test', 1)]
  await clock.advance(5 * MINUTE - 1)
  t.is(await host(), 'a.test')
  await clock.advance(1)
  t.is(await host(), 'moved.test')
})

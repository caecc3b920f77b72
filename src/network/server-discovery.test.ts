import test from 'ava'
import { answer, discoveryIn, srv, type World } from '../test-kit/server-discovery.ts'
import type { OutboundResponse } from './http-client.ts'

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

import test from 'ava'
import { FakeClock } from '../test-kit/fake-clock.ts'
import { parseHostsFile } from './host-table.ts'
import { createNameResolver, type Dns, type ServiceRecord } from './name-resolver.ts'
import { orderServices } from './service-order.ts'

const srv = (target: string, port: number, priority: number, weight: number): ServiceRecord => ({
  target,
  port,
  priority,
  weight,
})

test('services: by priority, and among equals by weight', t => {
  const records = [
    srv('c', 1, 20, 5),
    srv('heavy', 1, 10, 90),
    srv('light', 1, 10, 10),
    srv('zero', 1, 10, 0),
  ]
  const order = (random: number) => orderServices(records, () => random).map(({ target }) => target)
  t.deepEqual(order(0), ['zero', 'light', 'heavy', 'c'])
  t.deepEqual(order(0.5), ['heavy', 'light', 'zero', 'c'])
  t.deepEqual(order(0.999_999), ['heavy', 'light', 'zero', 'c'])
  t.deepEqual(orderServices([], Math.random), [])

  let seed = 1
  const random = () => {
    seed = (seed * 48_271) % 2_147_483_647
    return seed / 2_147_483_647
  }
  const firsts = Array.from({ length: 2_000 }, () => orderServices(records, random)[0]?.target)
  const share = firsts.filter(target => target === 'heavy').length / firsts.length
  t.true(share > 0.85 && share < 0.93, `heavy came first in ${share}`)
})

const dnsOf = (records: Record<string, readonly string[]>, log: string[] = []): Dns => {
  const find = async (kind: string, name: string) => {
    log.push(`${kind} ${name}`)
    const found = records[`${kind} ${name}`]
    if (found === undefined) {
      const code = name.endsWith('broken.test') ? 'ESERVFAIL' : 'ENOTFOUND'
      throw Object.assign(new Error('not found'), { code })
    }
    return [...found]
  }
  return {
    resolve4: name => find('A', name),
    resolve6: name => find('AAAA', name),
    resolveSrv: async name =>
      (await find('SRV', name)).map(target => ({ name: target, port: 1, priority: 1, weight: 1 })),
    lookup: async name => (await find('system', name)).map(address => ({ address })),
  }
}

test('names resolve by the configuration, then the hosts file, then the DNS; errors are no records', async t => {
  const log: string[] = []
  const resolver = createNameResolver({
    clock: new FakeClock(),
    hosts: new Map([
      ['Here.test', ['127.0.0.1:8449', '[::1]:8450']],
      ['gone.test', []],
    ]),
    hostsFile: new URL('../../package.json', import.meta.url).pathname,
    dns: dnsOf(
      { 'A both.test': ['192.0.2.1'], 'AAAA both.test': ['2001:db8::1'], 'system synapse': ['10.0.0.9'] },
      log,
    ),
  })
  t.deepEqual(await resolver.addresses('here.TEST.'), [
    { address: '127.0.0.1', port: 8449 },
    { address: '::1', port: 8450 },
  ])
  t.deepEqual(await resolver.addresses('gone.test'), [])
  t.deepEqual(await resolver.services('_matrix-fed._tcp.here.test'), [])
  t.deepEqual(await resolver.addresses('localhost'), [{ address: '::1' }, { address: '127.0.0.1' }])
  t.deepEqual(log, [], 'nothing so far has asked the DNS')

  t.deepEqual(await resolver.addresses('both.test'), [{ address: '2001:db8::1' }, { address: '192.0.2.1' }])
  t.deepEqual(await resolver.addresses('nowhere.test'), [])
  t.deepEqual(await resolver.services('_matrix._tcp.both.test'), [])
  t.is(await resolver.services('_matrix._tcp.broken.test'), undefined, 'that there are none is not said')
  t.false(
    log.some(entry => entry.startsWith('system')),
    'names with dots are left to the DNS',
  )
  t.deepEqual(await resolver.addresses('synapse'), [{ address: '10.0.0.9' }])
})

test('the hosts file is read as it is', t => {
  const table = parseHostsFile(
    '# comment\n127.0.0.1\tlocalhost  Peer.test # home\r\n::1 localhost\nnonsense line\n\n',
  )
  t.deepEqual(
    [...table],
    [
      ['localhost', [{ address: '127.0.0.1' }, { address: '::1' }]],
      ['peer.test', [{ address: '127.0.0.1' }]],
    ],
  )
})

test('a table of hosts with something else than addresses is refused', t => {
  for (const address of ['peer.test', '127.0.0.1:', '127.0.0.1:0', '127.0.0.1:99999', '[::1]', '']) {
    const make = () => createNameResolver({ clock: new FakeClock(), hosts: new Map([['a.test', [address]]]) })
    t.throws(make, { instanceOf: TypeError }, address)
  }
})

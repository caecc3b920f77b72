/** When a server is looked for again, and what holds until then. */
import test from 'ava'
import { discoveryIn, srv, type World } from '../test-kit/server-discovery.ts'
import type { ServiceRecord } from './name-resolver.ts'

const MINUTE = 60_000

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

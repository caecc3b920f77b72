import test from 'ava'
import { openTestApp } from '../test-kit/http-app.ts'
import { addOperationsPages } from './pages/operations.ts'
import { createPages } from './pages.ts'

/** A server on loopback whose figures are for this machine, asked by way of proxies there. */
const openApp = (t: Parameters<typeof openTestApp>[0], trustedProxies: readonly string[]) => {
  const pages = createPages()
  addOperationsPages(pages, {
    check: async () => undefined,
    metrics: { contentType: 'text/plain', text: async () => 'figures' },
    metricsFor: ['127.0.0.0/8'],
    trustedProxies,
  })
  return openTestApp(t, { pages, trustedProxies })
}

const FORWARDED = { 'x-forwarded-for': '203.0.113.9' }

test('the figures for this machine are shown to nobody who comes by way of a proxy that is not named', async t => {
  const { server } = await openApp(t, [])
  const status = async (headers: Record<string, string>): Promise<number> =>
    (await server.request('GET', '/metrics', { headers })).status
  t.is(await status({}), 200)
  t.is(await status(FORWARDED), 404)
  t.is(await status({ 'x-real-ip': '203.0.113.9' }), 404)
  const named = await openApp(t, ['127.0.0.1'])
  const through = async (address: string): Promise<number> =>
    (await named.server.request('GET', '/metrics', { headers: { 'x-forwarded-for': address } })).status
  t.deepEqual([await through('203.0.113.9'), await through('127.0.0.9')], [404, 200])
})

test('that requests come by way of a proxy that is not named is logged once', async t => {
  const { server, logged } = await openApp(t, [])
  const told = (): number => logged.filter(line => /reverse proxy .*"proxy":"127\.0\.0\.1"/.test(line)).length
  await server.request('GET', '/health')
  t.is(told(), 0)
  for (const _ of [1, 2]) await server.request('GET', '/health', { headers: FORWARDED })
  t.is(told(), 1)
  const named = await openApp(t, ['127.0.0.1'])
  await named.server.request('GET', '/health', { headers: FORWARDED })
  t.deepEqual(
    named.logged.filter(line => line.includes('reverse proxy')),
    [],
  )
})

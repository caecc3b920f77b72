import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import test from 'ava'
import { FakeClock } from '../test-kit/fake-clock.ts'
import { openPageFetcher } from './page-fetcher.ts'

const visits = (
  lists: { allowHosts?: readonly string[]; denyHosts?: readonly string[] },
  url: string,
): boolean =>
  openPageFetcher({
    ...{ clock: new FakeClock(), hosts: {}, caFile: undefined, proxy: undefined, timeout: 1_000 },
    ...{ denyAddresses: ['non-public'], allowAddresses: [], userAgent: 'test', languages: ['en'] },
    denyHosts: [],
    ...lists,
  }).mayVisit(new URL(url))

test('what is no page of the web is not visited', t => {
  for (const url of [
    'https://example.org/a',
    'http://example.org:8080/',
    'https://9.9.9.9/',
    'https://[2620:fe::fe]/',
  ])
    t.true(visits({}, url), url)
  for (const url of [
    'ftp://example.org/',
    'https://user@example.org/',
    'https://intranet/',
    'http://a.local./',
  ])
    t.false(visits({}, url), url)
})

test('the operator’s lists of hosts', t => {
  const denyHosts = ['*.Example.org', 'evil.test']
  t.true(visits({ denyHosts }, 'https://example.org/'))
  t.false(visits({ denyHosts }, 'https://wiki.example.org./x'))
  t.false(visits({ denyHosts }, 'https://EVIL.test:8443/'))
  const allowHosts = ['*.example.org', '9.9.9.9']
  t.true(visits({ allowHosts }, 'https://wiki.example.org/'))
  t.true(visits({ allowHosts }, 'https://9.9.9.9/'))
  t.false(visits({ allowHosts }, 'https://example.com/'))
  t.false(visits({ allowHosts, denyHosts: ['wiki.*'] }, 'https://wiki.example.org/'))
})

test('a page that leads on and on takes no longer than another', async t => {
  const clock = new FakeClock()
  const server = createServer(async (request, response) => {
    await clock.advance(600)
    const hop = Number(request.url?.slice(1))
    if (hop < 3) response.writeHead(302, { location: `/${hop + 1}` }).end()
    else response.end('here')
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const pages = openPageFetcher({
    ...{ clock, hosts: { 'site.example.org': ['127.0.0.1'] }, caFile: undefined, proxy: undefined },
    ...{ denyAddresses: [], allowAddresses: [], denyHosts: [], userAgent: 'test', languages: ['en'] },
    timeout: 1_000,
  })
  t.teardown(async () => {
    await pages.close()
    server.close()
  })
  const { port } = server.address() as AddressInfo
  const get = (path: string) => pages.get(`http://site.example.org:${port}${path}`, '*/*', async () => path)
  t.is(await get('/3'), '/3')
  t.like(await t.throwsAsync(get('/0')), { kind: 'timeout' })
})

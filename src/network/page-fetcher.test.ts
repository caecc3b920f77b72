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

import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import test, { type ExecutionContext } from 'ava'
import sharp from 'sharp'
import type { DatabaseConfig } from '../../storage/open.ts'
import { sqliteConfig, testDatabases } from '../../test-kit/database.ts'
import { FakeClock } from '../../test-kit/fake-clock.ts'
import { startPeer } from '../../test-kit/federation.ts'
import { startTestServer } from '../../test-kit/server.ts'
import { temporaryDirectory } from '../../test-kit/temporary-directory.ts'
import { testAuthority } from '../../test-kit/tls.ts'

const start = async (t: ExecutionContext, database: DatabaseConfig, changes: object = {}) => {
  const site = await startPeer(t)
  const ca = join(temporaryDirectory(t), 'ca.pem')
  writeFileSync(ca, (await testAuthority()).pem)
  const clock = new FakeClock()
  const server = await startTestServer({
    database,
    clock,
    settings: {
      ca_file: ca,
      federation: { hosts: Object.fromEntries([site.hostsEntry]) },
      previews: {
        enabled: true,
        deny_addresses: [],
        max_page_size: '10K',
        max_image_size: '10K',
        ...changes,
      },
    },
  })
  t.teardown(server.close)
  const { accessToken: token } = await server.register('alice')
  const preview = async (url: string, endpoint = '/_matrix/client/v1/media/preview_url') => {
    const answer = await server.request('GET', `${endpoint}?url=${encodeURIComponent(url)}`, { token })
    const body = answer.body as Record<string, unknown>
    return answer.status === 200 ? body : `${answer.status} ${body['errcode']}`
  }
  return { site, clock, server, token, preview, at: (path: string) => `https://${site.serverName}${path}` }
}

const html = (text: string, headers = {}) => ({ text, headers: { 'content-type': 'text/html', ...headers } })

testDatabases(
  test,
  'pages are shown by what they say, with their picture, and kept for a while',
  async (t, _, config) => {
    const { site, clock, server, token, preview, at } = await start(t, config)
    const png = await sharp({ create: { width: 30, height: 20, channels: 3, background: 'red' } })
      .png()
      .toBuffer()
    const page =
      html(`<title>no</title><meta property=og:title content="Tea"><meta name=description content="Hot">
    <meta property=og:image content="/tea.png"><meta property=og:site_name content=Kitchen>`)
    site.expect('GET', '/old', { status: 301, headers: { location: '/tea' } })
    site.expect('GET', '/tea', page)
    site.expect('GET', '/tea.png', { raw: response => void response.end(png) })
    const [one, two] = await Promise.all([preview(at('/old#part')), preview(at('/old'))])
    t.deepEqual(one, two)
    t.like(one, {
      'og:title': 'Tea',
      'og:description': 'Hot',
      'og:site_name': 'Kitchen',
      'og:url': at('/tea'),
      'og:image:type': 'image/png',
      'og:image:width': 30,
      'og:image:height': 20,
      'matrix:image:size': png.length,
    })
    t.deepEqual(await preview(at('/old'), '/_matrix/media/v3/preview_url'), one)
    const image = String((one as Record<string, unknown>)['og:image']).slice('mxc://'.length)
    const { bytes } = await server.request('GET', `/_matrix/client/v1/media/download/${image}`, { token })
    t.true(bytes.equals(png))
    t.regex(site.requests[0]?.headers['user-agent'] ?? '', /Tessera/)
    await clock.leap(86_400_000)
    site.expect('GET', '/old', html('<title>New</title>'))
    t.like(await preview(at('/old')), { 'og:title': 'New' })
    t.deepEqual(site.problems(), [])
  },
)

test('what a site offers for embedding comes first', async t => {
  const { site, preview, at } = await start(t, await sqliteConfig(t))
  const page = (path: string) =>
    html(`<meta property=og:title content="Page"><meta property=og:description content="Seen">
    <link rel=alternate type="application/json+oembed" href="${path}">`)
  site.expect('GET', '/video', page('/oembed?format=json'))
  site.expect('GET', '/oembed', {
    json: { type: 'video', title: 'Film', author_name: 'Ann', provider_name: 'Tube' },
  })
  t.deepEqual(await preview(at('/video')), {
    'og:title': 'Film',
    'og:type': 'video.other',
    'og:site_name': 'Tube',
    'article:author': 'Ann',
    'og:description': 'Seen',
    'og:url': at('/video'),
  })
  site.expect('GET', '/other', page('/broken'))
  site.expect('GET', '/broken', { status: 500, json: {} })
  t.like(await preview(at('/other')), { 'og:title': 'Page', 'og:description': 'Seen' })
  t.deepEqual(site.problems(), [])
})

test('pictures, other files, and what is large, broken or slow to say anything', async t => {
  const { site, clock, preview, at } = await start(t, await sqliteConfig(t))
  const noisy = await sharp({
    create: {
      width: 200,
      height: 200,
      channels: 3,
      noise: { type: 'gaussian', mean: 128, sigma: 60 },
      background: 'red',
    },
  })
    .png()
    .toBuffer()
  const png = await sharp({ create: { width: 8, height: 8, channels: 3, background: 'red' } })
    .png()
    .toBuffer()
  const sends = (body: string | Buffer, type: string) => ({
    raw: (response: import('node:http').ServerResponse) => {
      response.setHeader('content-type', type)
      response.end(body)
    },
  })
  site.always('GET', '/a.png', sends(png, 'image/png'))
  t.like(await preview(at('/a.png')), { 'og:image:width': 8, 'og:title': 'a.png' })
  site.always('GET', '/films/cat.mp4', sends('film', 'video/mp4'))
  t.deepEqual(await preview(at('/films/cat.mp4')), {
    'og:title': 'cat.mp4',
    'og:type': 'video.other',
    'og:video': at('/films/cat.mp4'),
    'og:video:type': 'video/mp4',
  })
  for (const [path, body, type] of [
    ['/large.png', noisy, 'image/png'],
    ['/lie.png', '<svg/>', 'image/png'],
    ['/a.pdf', '%PDF', 'application/pdf'],
    ['/empty', '', 'text/html'],
  ] as const) {
    site.always('GET', path, sends(body, type))
    t.deepEqual(await preview(at(path)), {}, path)
  }
  site.always('GET', '/zipped', {
    raw: response => {
      response.writeHead(200, { 'content-type': 'text/html', 'content-encoding': 'gzip' })
      response.end(gzipSync('<title>Unasked</title>'))
    },
  })
  t.like(await preview(at('/zipped')), { 'og:title': 'Unasked' })
  site.always('GET', '/strange', html('<title>x</title>', { 'content-encoding': 'zstd' }))
  t.deepEqual(await preview(at('/strange')), {})
  site.always('GET', '/endless', {
    raw: response => {
      response.setHeader('content-type', 'text/html')
      response.write(`<title>Endless</title>${'x'.repeat(20_000)}`)
    },
  })
  t.like(await preview(at('/endless')), { 'og:title': 'Endless' })
  site.always(
    'GET',
    '/lost-image',
    html('<title>A</title><meta property=og:image content=https://nowhere.test/a.png>'),
  )
  t.like(await preview(at('/lost-image')), { 'og:title': 'A' })
  site.expect('GET', '/gone', { status: 404, text: 'no' })
  t.is(await preview(at('/gone')), '502 M_UNKNOWN')
  t.is(await preview(at('/gone')), '502 M_UNKNOWN', 'which is not asked for again by all who see the link')
  await clock.leap(300_000)
  site.expect('GET', '/gone', html('<title>Back</title>'))
  t.like(await preview(at('/gone')), { 'og:title': 'Back' })
  site.always('GET', '/loop', { status: 302, headers: { location: '/loop' } })
  t.is(await preview(at('/loop')), '502 M_CONNECTION_FAILED')
  const japanese = Buffer.concat([
    Buffer.from('<?xml version="1.0" encoding="Shift_JIS"?><title>'),
    Buffer.from([0x93, 0x8c, 0x8b, 0x9e]),
    Buffer.from('</title>'),
  ])
  site.always('GET', '/tokyo', sends(japanese, 'application/xhtml+xml'))
  t.like(await preview(at('/tokyo')), { 'og:title': '東京' })
})

test('pages are asked for in the languages that the operator names', async t => {
  const { site, preview, at } = await start(t, await sqliteConfig(t), { languages: ['pt-BR', 'es'] })
  site.expect('GET', '/tea', html('<title>Chá</title>'))
  t.like(await preview(at('/tea')), { 'og:title': 'Chá' })
  t.is(site.requests[0]?.headers['accept-language'], 'pt-BR, es;q=0.9, *;q=0.1')
})

test('nobody is sent where they must not go', async t => {
  const { preview, site, at } = await start(t, await sqliteConfig(t))
  site.always('GET', /^\/to\//, ({ path }) => ({
    status: 302,
    headers: { location: path.slice('/to/'.length) },
  }))
  for (const target of [
    'http://localhost/',
    'http://db.internal/',
    'http://user:pw@example.org/',
    'file:///etc/passwd',
    'ftp://example.org/',
    'http://intranet/',
    'javascript:alert(1)',
    'http://a.local./',
  ]) {
    t.is(await preview(target), '403 M_FORBIDDEN', target)
    t.is(await preview(at(`/to/${target}`)), '403 M_FORBIDDEN', `by redirect: ${target}`)
  }
  for (const bad of ['', 'nothing', `https://example.org/${'x'.repeat(5_000)}`])
    t.is(await preview(bad), '400 M_INVALID_PARAM')

  const careful = await start(t, await sqliteConfig(t), { deny_addresses: ['non-public'] })
  for (const target of [
    careful.at('/'),
    'http://127.0.0.1/',
    'http://[::1]/',
    'http://2130706433/',
    'http://0x7f.1/',
    'http://169.254.169.254/latest/',
    'http://[::ffff:10.0.0.1]/',
  ])
    t.is(await careful.preview(target), '403 M_FORBIDDEN', target)
  t.deepEqual(careful.site.requests, [])
  const off = await start(t, await sqliteConfig(t), { enabled: false })
  t.is(await off.preview(off.at('/')), '404 M_UNRECOGNIZED')
})

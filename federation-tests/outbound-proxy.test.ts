import { writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import test from 'ava'
import { startPeer } from '../src/test-kit/federation.ts'
import { startProxy } from '../src/test-kit/http-proxy.ts'
import { startTestServer } from '../src/test-kit/server.ts'
import { temporaryDirectory } from '../src/test-kit/temporary-directory.ts'
import { testAuthority } from '../src/test-kit/tls.ts'

test('a server behind a proxy reaches other servers and web pages through it', async t => {
  const proxy = await startProxy(t)
  const caFile = join(temporaryDirectory(t), 'ca.pem')
  writeFileSync(caFile, (await testAuthority()).pem)
  const server = await startTestServer({
    settings: { ca_file: caFile, outbound_proxy: { url: proxy.url }, previews: { enabled: true } },
  })
  t.teardown(() => server.close())
  const { accessToken: token } = await server.register('alice')

  const peer = await startPeer(t)
  peer.expect('GET', '/_matrix/federation/v1/query/profile', { json: { displayname: 'Bob' } })
  const profile = await server.request('GET', `/_matrix/client/v3/profile/@bob:${peer.serverName}`, { token })
  t.like(profile, { status: 200, body: { displayname: 'Bob' } })
  t.deepEqual(peer.problems(), [])

  const html = '<meta property="og:title" content="Kettles">'
  const site = createServer((_request, response) => {
    response.writeHead(200, { 'content-type': 'text/html' }).end(html)
  })
  await new Promise<void>(resolve => site.listen(0, '127.0.0.1', resolve))
  t.teardown(() => void site.close())
  const { port } = site.address() as AddressInfo
  const previewOf = (url: string) =>
    server.request('GET', `/_matrix/client/v1/media/preview_url?url=${encodeURIComponent(url)}`, { token })
  t.like(await previewOf(`http://tea.example.com:${port}/`), { status: 200, body: { 'og:title': 'Kettles' } })
  t.deepEqual(proxy.asked, [peer.serverName, `tea.example.com:${port}`])
  t.not(
    (await previewOf(`http://127.0.0.1:${port}/`)).status,
    200,
    'addresses of this network stay out of reach',
  )
  t.is(proxy.asked.length, 2)
})

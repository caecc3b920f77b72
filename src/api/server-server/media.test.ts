import { readdirSync, rmSync, writeFileSync } from 'node:fs'
import type { ServerResponse } from 'node:http'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import test, { type ExecutionContext } from 'ava'
import sharp from 'sharp'
import { boundaryOf, readMultipart } from '../../network/multipart.ts'
import { authorizationHeader } from '../../network/request-signature.ts'
import type { DatabaseConfig } from '../../storage/open.ts'
import { registerAdmin } from '../../test-kit/admin.ts'
import { sqliteConfig, testDatabases } from '../../test-kit/database.ts'
import { startPeer } from '../../test-kit/federation.ts'
import { codeOf } from '../../test-kit/http.ts'
import type { PeerAnswer } from '../../test-kit/https-server.ts'
import { startTestServer } from '../../test-kit/server.ts'
import { temporaryDirectory } from '../../test-kit/temporary-directory.ts'
import { testAuthority } from '../../test-kit/tls.ts'

const start = async (t: ExecutionContext, database: DatabaseConfig) => {
  const peer = await startPeer(t)
  const directory = temporaryDirectory(t)
  const ca = join(directory, 'ca.pem')
  writeFileSync(ca, (await testAuthority()).pem)
  const server = await startTestServer({
    database,
    settings: {
      ca_file: ca,
      registration: { mode: 'open', shared_secret: 'shared' },
      federation: { deny_addresses: [], hosts: Object.fromEntries([peer.hostsEntry]) },
      media: { directory: join(directory, 'media'), max_remote_size: '1000' },
    },
  })
  t.teardown(server.close)
  const { accessToken: token } = await server.register('alice')
  const get = (rest: string) =>
    server.request('GET', `/_matrix/client/v1/media/download/${peer.serverName}/${rest}`, { token })
  const stored = () =>
    readdirSync(directory, { recursive: true, withFileTypes: true }).filter(each => each.isFile()).length - 1
  /** Everything that is stored of files, as after a restore of the database alone. */
  const lose = () => {
    for (const each of readdirSync(join(directory, 'media'), { recursive: true, withFileTypes: true }))
      if (each.isFile()) rmSync(join(each.parentPath, each.name))
  }
  return { peer, server, token, get, stored, lose }
}

const PATH = '/_matrix/federation/v1/media/download'

const wrapped = (file: string, headers = 'Content-Type: text/plain', end = '\r\n--x--\r\n'): PeerAnswer => ({
  headers: { 'content-type': 'multipart/mixed; boundary=x' },
  text: `--x\r\nContent-Type: application/json\r\n\r\n{}\r\n--x\r\n${headers}\r\n\r\n${file}${end}`,
})

testDatabases(
  test,
  'a file of another server is fetched once, however many want it',
  async (t, _, config) => {
    const { peer, get } = await start(t, config)
    const name = `Content-Type: text/plain\r\nContent-Disposition: attachment; filename*=UTF-8''%E2%82%AC.txt`
    peer.expect('GET', `${PATH}/abc`, wrapped('hello', name))
    const answers = await Promise.all(Array.from({ length: 5 }, () => get('abc?timeout_ms=1234')))
    t.deepEqual(new Set(answers.map(({ body }) => body)), new Set(['hello']))
    const { headers, body } = await get('abc')
    t.is(body, 'hello')
    t.is(headers['content-disposition'], `inline; filename="_.txt"; filename*=UTF-8''%E2%82%AC.txt`)
    const [request] = peer.requests
    t.is(request?.query.get('timeout_ms'), '1234')
    t.regex(request?.headers.authorization ?? '', /^X-Matrix origin="localhost"/)
    t.deepEqual(peer.problems(), [])
  },
)

test('what is broken, too large, or not there is refused, and nothing is kept of it', async t => {
  const { peer, get, stored, server, token } = await start(t, await sqliteConfig(t))
  const refused = async (answer: PeerAnswer, expected: string) => {
    peer.expect('GET', `${PATH}/bad`, answer)
    t.is(codeOf(await get('bad')), expected)
  }
  await refused(wrapped('hello', 'Content-Type: text/plain', ''), '502 M_UNKNOWN')
  await refused(wrapped('x'.repeat(1_001)), '502 M_TOO_LARGE')
  await refused({ status: 502, json: { errcode: 'M_TOO_LARGE', error: 'no' } }, '502 M_TOO_LARGE')
  await refused({ status: 404, json: { errcode: 'M_NOT_FOUND', error: 'no' } }, '404 M_NOT_FOUND')
  await refused(
    { status: 504, json: { errcode: 'M_NOT_YET_UPLOADED', error: 'no' } },
    '504 M_NOT_YET_UPLOADED',
  )
  await refused({ text: 'hello', headers: { 'content-type': 'text/plain' } }, '502 M_UNKNOWN')
  await refused(
    { raw: response => begin(response).write('half', () => response.destroy()) },
    '502 M_CONNECTION_FAILED',
  )
  await refused(wrapped('', 'Location: http://peer.test/plain'), '403 M_FORBIDDEN')
  await refused({ raw: response => void Readable.from(ever()).pipe(begin(response)) }, '502 M_TOO_LARGE')
  t.is(stored(), 0)
  // Whole files in messages that do not end as they should are not handed out either.
  await refused(
    wrapped('hello', 'Content-Type: text/plain', '\r\n--x\r\n\r\nthird\r\n--x--'),
    '502 M_UNKNOWN',
  )
  const nowhere = await server.request('GET', '/_matrix/client/v1/media/download/nowhere.test/x', { token })
  t.is(codeOf(nowhere), '502 M_CONNECTION_FAILED')
  t.deepEqual(peer.problems(), [])
})

const begin = (response: ServerResponse): ServerResponse => {
  response.writeHead(200, { 'content-type': 'multipart/mixed; boundary=x' })
  response.write('--x\r\nContent-Type: application/json\r\n\r\n{}\r\n--x\r\n\r\n')
  return response
}

async function* ever(): AsyncGenerator<string> {
  for (;;) yield 'x'.repeat(10_000)
}

test('what is lost of a copy or a thumbnail is fetched and made once more', async t => {
  const { peer, get, server, token, lose } = await start(t, await sqliteConfig(t))
  peer.always('GET', `${PATH}/abc`, wrapped('hello'))
  t.is((await get('abc')).body, 'hello')
  lose()
  t.is((await get('abc')).body, 'hello')
  t.is((await get('abc')).body, 'hello')
  t.is(peer.requests.length, 2)

  const create = { width: 64, height: 64, channels: 3, background: 'red' } as const
  const png = await sharp({ create }).png({ compressionLevel: 9 }).toBuffer()
  const begins = '--x\r\nContent-Type: application/json\r\n\r\n{}\r\n--x\r\nContent-Type: image/png\r\n\r\n'
  const picture = Buffer.concat([Buffer.from(begins), png, Buffer.from('\r\n--x--\r\n')])
  peer.always('GET', `${PATH}/pic`, {
    raw: response => {
      response.writeHead(200, { 'content-type': 'multipart/mixed; boundary=x' })
      response.end(picture)
    },
  })
  const thumbnail = async () => {
    const path = `/_matrix/client/v1/media/thumbnail/${peer.serverName}/pic?width=32&height=32&method=crop`
    const { status, bytes } = await server.request('GET', path, { token })
    return [status, (await sharp(bytes).metadata()).width]
  }
  for (let time = 0; time < 3; time++) {
    t.deepEqual(await thumbnail(), [200, 32])
    lose()
  }
})

test('redirects are followed, and old servers asked as before', async t => {
  const { peer, get } = await start(t, await sqliteConfig(t))
  const place = `https://${peer.serverName}/cdn/1`
  peer.expect('GET', `${PATH}/elsewhere`, wrapped('', `Location: ${place}`))
  peer.expect('GET', '/cdn/1', { status: 302, headers: { location: '/cdn/2' } })
  peer.expect('GET', '/cdn/2', { text: 'moved', headers: { 'content-type': 'text/csv' } })
  const moved = await get('elsewhere')
  t.deepEqual([moved.body, moved.headers['content-type']], ['moved', 'text/csv; charset=utf-8'])
  t.is(peer.requests[1]?.headers.authorization, undefined)

  peer.expect('GET', `${PATH}/old`, { status: 404, json: { errcode: 'M_UNRECOGNIZED', error: 'what?' } })
  peer.expect('GET', `/_matrix/media/v3/download/${peer.serverName}/old`, {
    text: 'old',
    headers: { 'content-type': 'text/plain', 'content-disposition': 'inline; filename=a.txt' },
  })
  const old = await get('old')
  t.deepEqual([old.body, old.headers['content-disposition']], ['old', 'inline; filename="a.txt"'])
  t.is(peer.requests.at(-1)?.query.get('allow_remote'), 'false')
  t.deepEqual(peer.problems(), [])
})

test('other servers get files wrapped, if they sign for it', async t => {
  const { peer, server, token } = await start(t, await sqliteConfig(t))
  const headers = { 'content-type': 'image/png' }
  const { body } = await server.request('POST', '/_matrix/media/v3/upload?filename=a.png', {
    token,
    headers,
    body: 'hello',
  })
  const id = (body as { content_uri: string }).content_uri.split('/').at(-1)
  const uri = `${PATH}/${id}`
  const ask = (target: string) => {
    const request = { method: 'GET', uri: target, origin: peer.serverName, destination: 'localhost' } as const
    const authorization = authorizationHeader(request, peer.signingKey, undefined)
    return server.request('GET', target, { headers: { authorization } })
  }
  const wrappedBy = async (target: string) => {
    const answer = await ask(target)
    t.is(answer.status, 200)
    const parts: [Record<string, string>, Buffer][] = []
    const boundary = boundaryOf(String(answer.headers['content-type']))
    for await (const part of readMultipart(Readable.from([answer.bytes]), boundary)) {
      parts.push([Object.fromEntries(part.headers), await buffer(part.body)])
    }
    return parts
  }
  const metadata = [{ 'content-type': 'application/json' }, Buffer.from('{}')]
  t.deepEqual(await wrappedBy(uri), [
    metadata,
    [
      { 'content-type': 'image/png', 'content-disposition': 'inline; filename="a.png"' },
      Buffer.from('hello'),
    ],
  ])
  const thumbnail = (of: string | undefined) =>
    `/_matrix/federation/v1/media/thumbnail/${of}?width=32&height=32&method=crop`
  t.is(codeOf(await ask(thumbnail(id))), '400 M_UNKNOWN', 'no picture')
  const picture = { create: { width: 100, height: 50, channels: 3, background: 'red' } } as const
  const png = await sharp(picture).png().toBuffer()
  const stored = await server.request('POST', '/_matrix/media/v3/upload', { token, headers, body: png })
  const [described, small] = await wrappedBy(
    thumbnail((stored.body as { content_uri: string }).content_uri.split('/').at(-1)),
  )
  t.deepEqual(
    [described, small?.[0]],
    [metadata, { 'content-type': 'image/jpeg', 'content-disposition': 'inline; filename="thumbnail.jpeg"' }],
  )
  t.like(await sharp(small?.[1]).metadata(), { width: 32, height: 32 })
  t.is(codeOf(await ask(`${PATH}/nothing`)), '404 M_NOT_FOUND')
  const picturePath = (stored.body as { content_uri: string }).content_uri.slice('mxc://'.length)
  const { accessToken } = await registerAdmin(server, 'root', 'shared')
  const quarantine = `/_synapse/admin/v1/media/quarantine/${picturePath}`
  t.is((await server.request('POST', quarantine, { token: accessToken })).status, 200)
  const hidden = picturePath.split('/').at(-1)
  for (const target of [`${PATH}/${hidden}`, thumbnail(hidden)])
    t.is(codeOf(await ask(target)), '404 M_NOT_FOUND', 'administrators have hidden it')
  t.is((await server.request('GET', uri)).status, 401)
})

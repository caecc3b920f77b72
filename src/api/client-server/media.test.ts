import { connect } from 'node:net'
import test from 'ava'
import { sqliteConfig, testDatabases } from '../../test-kit/database.ts'
import { eventually } from '../../test-kit/eventually.ts'
import { codeOf } from '../../test-kit/http.ts'
import { CLIENT, mediaWorld, upload } from '../../test-kit/media.ts'

testDatabases(
  test,
  'files go up and come down, with their names, types and safe headers',
  async (t, _, config) => {
    const world = await mediaWorld(t, config)
    const { server, alice, bob, stored } = world
    const get = (target: string, headers = {}, method = 'GET') =>
      server.request(method, `${CLIENT}${target}`, { token: bob.accessToken, headers })
    const name = encodeURIComponent('Größe "50%".txt')
    const { id, status } = await upload(
      world,
      alice,
      'hello world',
      'text/plain; charset=utf-8',
      `?filename=${name}`,
    )
    t.is(status, 200)
    t.regex(id, /^[A-Za-z0-9_-]{24}$/)

    const file = await get(`/download/localhost/${id}`)
    t.is(file.body, 'hello world')
    t.like(file.headers, {
      'content-type': 'text/plain; charset=utf-8',
      'content-length': '11',
      'content-disposition': `inline; filename="Gr__e \\"50%\\".txt"; filename*=UTF-8''Gr%C3%B6%C3%9Fe%20%2250%25%22.txt`,
      'cross-origin-resource-policy': 'cross-origin',
      'x-content-type-options': 'nosniff',
      'accept-ranges': 'bytes',
    })
    t.is(
      file.headers['content-security-policy'],
      "sandbox; default-src 'none'; script-src 'none'; plugin-types application/pdf; style-src 'unsafe-inline'; media-src 'self'; object-src 'self';",
    )
    t.regex(String(file.headers['cache-control']), /^private/)
    const other = await get(`/download/localhost/${id}/other.txt`)
    t.is(other.headers['content-disposition'], 'inline; filename="other.txt"')

    // Parts, and what the client has already.
    const part = await get(`/download/localhost/${id}`, { range: 'bytes=6-8' })
    t.deepEqual([part.status, part.body, part.headers['content-range']], [206, 'wor', 'bytes 6-8/11'])
    t.is((await get(`/download/localhost/${id}`, { range: 'bytes=-5' })).body, 'world')
    t.is((await get(`/download/localhost/${id}`, { range: 'bytes=6-' })).body, 'world')
    t.is((await get(`/download/localhost/${id}`, { range: 'bytes=5-99' })).body, ' world')
    const beyond = await get(`/download/localhost/${id}`, { range: 'bytes=11-' })
    t.deepEqual([beyond.status, beyond.headers['content-range']], [416, 'bytes */11'])
    for (const range of ['bytes=3-1', 'bytes=-', 'lines=1-2', 'bytes=0-1,3-4'])
      t.is((await get(`/download/localhost/${id}`, { range })).status, 200, range)
    t.is((await get(`/download/localhost/${id}`, { range: 'bytes=0-1', 'if-range': '"old"' })).status, 200)
    const etag = String(file.headers.etag)
    const again = await get(`/download/localhost/${id}`, { 'if-none-match': `"x", W/${etag}` })
    t.deepEqual([again.status, again.bytes.length, again.headers.etag], [304, 0, etag])
    t.is((await get(`/download/localhost/${id}`, { 'if-none-match': '"x"' })).status, 200)
    const head = await get(`/download/localhost/${id}`, {}, 'HEAD')
    t.deepEqual([head.status, head.headers['content-length'], head.bytes.length], [200, '11', 0])

    // Equal files are stored once, and types that may run are handed out to be saved.
    const page = await upload(world, bob, 'hello world', 'text/html')
    t.is(stored(), 1)
    const html = await get(`/download/localhost/${page.id}`)
    t.deepEqual(
      [html.headers['content-type'], html.headers['content-disposition']],
      ['text/html', 'attachment'],
    )
    const unknown = await upload(world, bob, '<svg/>', 'not a type')
    t.is((await get(`/download/localhost/${unknown.id}`)).headers['content-type'], 'application/octet-stream')
    const empty = await upload(world, bob, '', 'text/plain')
    const nothing = await get(`/download/localhost/${empty.id}`)
    t.is(nothing.bytes.length, 0)
    t.is(nothing.headers['content-type'], 'text/plain; charset=utf-8', 'browsers take it for another else')
    t.regex(String(nothing.headers['x-robots-tag']), /noindex/)
    t.is(nothing.headers['referrer-policy'], 'no-referrer')
    t.is((await get(`/download/localhost/${empty.id}`, { range: 'bytes=0-' })).status, 416)
    t.deepEqual((await get('/config')).body, { 'm.upload.size': 1_048_576 })
  },
)

testDatabases(
  test,
  'uploads are limited by size, quota and truth, and leave nothing behind',
  async (t, _, config) => {
    const world = await mediaWorld(t, config, { max_upload_size: '1000', user_quota: '2000' })
    const { server, alice, bob, stored } = world
    const token = alice.accessToken
    t.is(codeOf(await upload(world, alice, 'x'.repeat(1_001))), '413 M_TOO_LARGE')
    const chunked = { 'transfer-encoding': 'chunked' }
    const target = '/_matrix/media/v3/upload'
    const body = 'y'.repeat(1_001)
    t.is(codeOf(await server.request('POST', target, { token, body, headers: chunked })), '413 M_TOO_LARGE')
    t.is((await server.request('POST', target, { token, body: 'short', headers: chunked })).status, 200)
    t.is(codeOf(await server.request('POST', target, { body: 'x' })), '401 M_MISSING_TOKEN')
    t.is(codeOf(await upload(world, alice, 'x', 'text/plain', '?filename=a%0Ab')), '400 M_INVALID_PARAM')
    t.is(stored(), 1)

    t.is((await upload(world, alice, 'a'.repeat(1_000))).status, 200)
    t.is((await upload(world, alice, 'b'.repeat(900))).status, 200)
    t.is(codeOf(await upload(world, alice, 'c'.repeat(100))), '403 M_FORBIDDEN')
    t.is(
      codeOf(await server.request('POST', target, { token, body: 'd'.repeat(100), headers: chunked })),
      '403 M_FORBIDDEN',
    )
    t.is((await upload(world, bob, 'c'.repeat(100))).status, 200, 'everybody has their own')
    const both = await Promise.all([
      upload(world, bob, 'e'.repeat(1_000)),
      upload(world, bob, 'f'.repeat(1_000)),
    ])
    t.deepEqual(both.map(({ status }) => status).sort(), [200, 403])

    // A client that goes away half way.
    const before = stored()
    const { hostname, port } = new URL(server.url)
    const socket = connect(Number(port), hostname)
    socket.on('error', () => {})
    socket.write(
      `POST ${target} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${bob.accessToken}\r\nContent-Length: 50\r\n\r\nhalf`,
    )
    await eventually('the half is being written', () => stored() === before + 1)
    socket.destroy()
    await eventually('nothing is left', () => stored() === before)
    t.pass()
  },
)

testDatabases(test, 'names that are none are refused, and old endpoints are frozen', async (t, _, config) => {
  const world = await mediaWorld(t, config)
  const { server, alice } = world
  const token = alice.accessToken
  const { id } = await upload(world, alice, 'secret')
  const download = (rest: string) => server.request('GET', `${CLIENT}/download/${rest}`, { token })
  for (const bad of [
    'localhost/..%2F..%2Fetc%2Fpasswd',
    'localhost/a%00b',
    'localhost/%2e%2e',
    'not%20a%20name/x',
  ])
    t.is(codeOf(await download(bad)), '400 M_INVALID_PARAM', bad)
  t.is(codeOf(await download('localhost/unknown')), '404 M_NOT_FOUND')
  t.is(codeOf(await server.request('GET', `${CLIENT}/download/localhost/${id}`)), '401 M_MISSING_TOKEN')
  for (const prefix of ['v3', 'r0', 'v1'])
    t.is(
      codeOf(await server.request('GET', `/_matrix/media/${prefix}/download/localhost/${id}`)),
      '404 M_NOT_FOUND',
    )
  t.is(
    codeOf(await server.request('GET', '/_matrix/media/v3/download/other.test/x?allow_remote=false')),
    '404 M_NOT_FOUND',
  )
})

test('old endpoints can be opened, for everything or for what is old', async t => {
  const open = async (media: object) => {
    const world = await mediaWorld(t, await sqliteConfig(t), media)
    const { id } = await upload(world, world.alice, 'old', 'text/plain', '?filename=a.txt')
    await world.clock.leap(86_400_000)
    const { id: newer } = await upload(world, world.alice, 'new')
    const get = (rest: string) => world.server.request('GET', `/_matrix/media/v3/download/localhost/${rest}`)
    return [await get(id), await get(newer), await get(`${id}/b.txt`)] as const
  }
  const [all, newer, named] = await open({ legacy_endpoints: true })
  t.deepEqual([all.body, newer.body], ['old', 'new'])
  t.is(named.headers['content-disposition'], 'inline; filename="b.txt"')
  t.regex(String(all.headers['cache-control']), /^public/)
  const [old, refused] = await open({ legacy_before: '2026-01-02' })
  t.deepEqual([old.body, codeOf(refused)], ['old', '404 M_NOT_FOUND'])
})

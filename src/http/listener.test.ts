import { spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { request } from 'node:http'
import { connect } from 'node:net'
import { join } from 'node:path'
import test from 'ava'
import type { Services } from '../services/index.ts'
import { operations } from '../spec/operations.ts'
import { FakeClock } from '../test-kit/fake-clock.ts'
import { createTestClient } from '../test-kit/http.ts'
import { temporaryDirectory } from '../test-kit/temporary-directory.ts'
import { createHttpApp } from './app.ts'
import { createClientAddress } from './client-address.ts'
import type { RequestFacts } from './endpoint.ts'
import { openListener } from './listener.ts'

/** A listener whose requests wait until `finish` is called; `arrived` resolves with the first one's call. */
const openWaiting = async () => {
  const finish = Promise.withResolvers<void>()
  const arrived = Promise.withResolvers<RequestFacts>()
  const app = createHttpApp({
    endpoints: [
      {
        operationId: 'getVersions',
        handle: async ({ request }) => {
          arrived.resolve(request)
          await finish.promise
          return { versions: [] }
        },
      },
    ],
    operations: { getVersions: operations.getVersions },
    services: {} as Services,
    authenticate: async () => Promise.reject(new Error('not asked')),
    verifyRequest: async () => {},
    clock: new FakeClock(),
    log: { debug() {}, info() {}, warn() {}, error() {} },
  })
  const listener = await openListener({ handler: app.handler, host: '127.0.0.1', port: 0 })
  return { listener, arrived: arrived.promise, finish: finish.resolve }
}

test('closing lets running requests finish, and takes no new ones', async t => {
  const { listener, arrived, finish } = await openWaiting()
  const client = createTestClient(listener.url)
  const answer = client.request('GET', '/_matrix/client/versions')
  await arrived
  const closed = listener.close()
  await t.throwsAsync(createTestClient(listener.url).request('GET', '/_matrix/client/versions'))
  finish()
  t.is((await answer).status, 200)
  await closed
  t.pass()
})

test('closing does not wait for connections that nothing was asked on', async t => {
  const { listener } = await openWaiting()
  const socket = connect(listener.port, '127.0.0.1')
  await once(socket, 'connect')
  const ended = once(socket, 'close')
  // Without a bound, so that it would wait for ever.
  await listener.close(2 ** 31 - 1)
  await ended
  t.true(socket.destroyed)
})

test('handlers are told when the client has gone', async t => {
  const { listener, arrived, finish } = await openWaiting()
  const socket = connect(listener.port, '127.0.0.1', () =>
    socket.write('GET /_matrix/client/versions HTTP/1.1\r\nHost: a\r\n\r\n'),
  )
  const { signal } = await arrived
  t.false(signal.aborted)
  const aborted = new Promise(resolve => signal.addEventListener('abort', resolve))
  socket.destroy()
  await aborted
  t.true(signal.aborted)
  finish()
  await listener.close(0)
})

const statusOver = (socketPath: string): Promise<number | undefined> =>
  new Promise((resolve, reject) => {
    const asked = request({ socketPath, path: '/', agent: false }, response => {
      response.resume()
      resolve(response.statusCode)
    })
    asked.once('error', reject)
    asked.end()
  })

test('a UNIX socket: its mode, who is behind it, and what a killed process has left', async t => {
  const path = join(temporaryDirectory(t), 'http.sock')
  const addressOf = createClientAddress()
  const asked: string[] = []
  const open = () =>
    openListener({
      handler: (incoming, response) => {
        asked.push(addressOf(incoming))
        response.writeHead(204).end()
      },
      port: 0,
      socket: { path, mode: 0o640 },
    })
  const first = await open()
  t.is(first.url, `unix:${path}`)
  t.is(statSync(path).mode & 0o777, 0o640)
  t.is(await statusOver(path), 204)
  t.deepEqual(asked, ['127.0.0.1'])
  t.like(await t.throwsAsync(open()), { code: 'EADDRINUSE' }, 'somebody answers there')
  t.is(await statusOver(path), 204)
  await first.close(0)
  t.false(existsSync(path))

  const left = spawnSync(process.execPath, [
    '-e',
    `require('node:net').createServer().listen(${JSON.stringify(path)}, () => process.kill(process.pid, 'SIGKILL'))`,
  ])
  t.is(left.signal, 'SIGKILL')
  t.true(existsSync(path))
  const second = await open()
  t.is(await statusOver(path), 204)
  await second.close(0)

  writeFileSync(path, 'a file')
  t.like(await t.throwsAsync(open()), { code: 'EADDRINUSE' })
  t.is(readFileSync(path, 'utf8'), 'a file')
})

/** All that comes back on a connection that these texts are sent on, each once `next` of the one before it has resolved. */
const conversation = async (port: number, steps: readonly { text: string; next?: Promise<unknown> }[]) => {
  const socket = connect(port, '127.0.0.1')
  let received = ''
  socket.on('data', data => {
    received += String(data)
  })
  const closed = once(socket, 'close')
  for (const { text, next } of steps) {
    socket.write(text)
    await next
  }
  await closed
  return received
}

const GARBAGE = 'no request\r\n\r\n'

test('what is no request is refused', async t => {
  const { listener } = await openWaiting()
  t.true((await conversation(listener.port, [{ text: GARBAGE }])).startsWith('HTTP/1.1 400 Bad Request'))
  const unfinished = 'PUT /x HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nz\r\n'
  t.true((await conversation(listener.port, [{ text: unfinished }])).startsWith('HTTP/1.1 400 Bad Request'))
  await listener.close()
})

test('what is no request is not refused in the place of an answer to the one before it', async t => {
  const { listener, arrived, finish } = await openWaiting()
  const asked = 'GET /_matrix/client/versions HTTP/1.1\r\nHost: x\r\n\r\n'
  t.is(await conversation(listener.port, [{ text: asked, next: arrived }, { text: GARBAGE }]), '')
  finish()
  await listener.close()
})

test('what is no request is not refused in the midst of an answer', async t => {
  const begun = Promise.withResolvers<void>()
  const listener = await openListener({
    handler: (_request, response) => {
      response.write('the beginning', () => begun.resolve())
    },
    host: '127.0.0.1',
    port: 0,
  })
  const asked = 'PUT / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n'
  const received = await conversation(listener.port, [
    { text: asked, next: begun.promise },
    { text: GARBAGE },
  ])
  t.true(received.includes('the beginning'))
  t.false(received.includes('400'))
  await listener.close()
})

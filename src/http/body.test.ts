import { once } from 'node:events'
import { createServer, type IncomingMessage } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import { Readable } from 'node:stream'
import test from 'ava'
import { FakeClock } from '../test-kit/fake-clock.ts'
import { openTestApp } from '../test-kit/http-app.ts'
import { waitingFor } from '../test-kit/waiting.ts'
import { RequestAborted, readBody } from './body.ts'

const T = '/_matrix/client/v3/test'

const request = (path: string, headers: string, body: string): string =>
  `POST ${T}/${path} HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer alice\r\n${headers}\r\n\r\n${body}`

const whole = (count: number): string => request('echo/@b', 'Content-Length: 11', `{"count":${count}}`)
const empty = request('lenient', 'Content-Length: 0', '')
const unannounced = request('lenient', 'Accept: */*', '')
const chunked = request('echo/@b', 'Transfer-Encoding: chunked', '5\r\n{"cou\r\n6\r\nnt":8}\r\n0\r\n\r\n')

test('bodies come whole, in pieces, in chunks, and not at all, one after the other on a connection', async t => {
  const { server } = await openTestApp(t)
  const socket = connect(server.port, '127.0.0.1')
  socket.setNoDelay(true)
  let received = ''
  const answers = async (text: string, expected: number): Promise<void> => {
    socket.write(text)
    while (received.split('HTTP/1.1 200').length <= expected)
      await new Promise<void>(resolve =>
        socket.once('data', chunk => {
          received += chunk.toString()
          resolve()
        }),
      )
  }
  await answers(whole(1), 1)
  await answers(whole(2) + empty + whole(3), 4)
  const [begin, end] = [whole(4).slice(0, -4), whole(4).slice(-4)]
  // Its rest comes once the server waits for it: by then it has answered what was asked before.
  await answers(whole(5) + begin, 5)
  await answers(end + chunked, 7)
  await answers(whole(6), 8)
  await answers(unannounced + whole(7), 10)
  t.deepEqual(
    [...received.matchAll(/"body":(\{.*?\})/g)].map(([, body]) => body),
    [
      '{"count":1}',
      '{"count":2}',
      '{}',
      '{"count":3}',
      '{"count":5}',
      '{"count":4}',
      '{"count":8}',
      '{"count":6}',
      '{}',
      '{"count":7}',
    ],
  )
  socket.destroy()
})

test('a body in pieces that are all there at once is read whole', async t => {
  const arrived = new Readable({ read: () => {} })
  for (const piece of ['{"count"', ':', '1}']) arrived.push(piece)
  const headers = { 'content-length': '11' }
  const body = await readBody(Object.assign(arrived, { headers }) as IncomingMessage, 11, new FakeClock())
  t.is(body.toString(), '{"count":1}')
})

test('whoever has gone before their body was asked for is waited for no more', async t => {
  const server = createServer().listen(0, '127.0.0.1')
  t.teardown(() => server.close())
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  for (const text of [whole(1), whole(1).slice(0, -4), chunked, chunked.slice(0, -9)]) {
    const socket = connect(port, '127.0.0.1')
    socket.write(text)
    const [asked] = (await once(server, 'request')) as [IncomingMessage]
    const gone = new Promise(resolve => asked.once('close', resolve))
    socket.resetAndDestroy()
    await gone
    const body = waitingFor('the body', readBody(asked, 1000, new FakeClock()))
    await t.throwsAsync(body, { instanceOf: RequestAborted })
  }
})

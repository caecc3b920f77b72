import { once } from 'node:events'
import { createServer, request, type ServerResponse } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import { Readable } from 'node:stream'
import test from 'ava'
import { systemClock } from '../system-clock.ts'
import { Reply } from './reply.ts'
import { breakWhenStalled, send } from './send.ts'

test('whoever takes nothing of what they are sent is sent no more; whoever waits for us is', t => {
  const outcomes = (
    [
      [true, false],
      [false, true],
      [false, false],
    ] as const
  ).map(([writableNeedDrain, writableEnded]) => {
    let isBroken = false
    breakWhenStalled({
      ...{ writableNeedDrain, writableEnded },
      setTimeout(_ms: number, stalled?: () => void) {
        stalled?.()
        return this as unknown as ServerResponse
      },
      prependOnceListener() {
        return this as unknown as ServerResponse
      },
      destroy() {
        isBroken = true
        return this as unknown as ServerResponse
      },
    })
    return isBroken
  })
  t.deepEqual(outcomes, [true, true, false])
})

test('what a file is read from is closed when its reader is broken off', async t => {
  const source = Readable.from(endless())
  const answered = Promise.withResolvers<ServerResponse>()
  const sent = Promise.withResolvers<unknown>()
  const server = createServer((incoming, response) => {
    answered.resolve(response)
    sent.resolve(send(incoming, response, new Reply({ body: source }), systemClock).catch(error => error))
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => server.close())
  const asking = request({ host: '127.0.0.1', port: (server.address() as AddressInfo).port }).end()
  asking.on('error', () => {})
  const [answer] = await once(asking, 'response')
  answer.pause().on('error', () => {})
  const response = await answered.promise
  while (!response.writableNeedDrain) await new Promise(resolve => setImmediate(resolve))
  response.emit('timeout')
  t.like(await sent.promise, { code: 'ERR_STREAM_PREMATURE_CLOSE' })
  t.true(source.destroyed)
})

test('whoever waits on a connection on which a file was sent before waits on', async t => {
  const [first, second] = [Promise.withResolvers<ServerResponse>(), Promise.withResolvers<ServerResponse>()]
  const server = createServer((incoming, response) => {
    if (incoming.url === '/wait') return second.resolve(response)
    first.resolve(response)
    void send(incoming, response, new Reply({ body: Readable.from(['file']) }), systemClock)
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => server.close())
  const connection = connect((server.address() as AddressInfo).port, '127.0.0.1')
  connection.resume()
  const ask = (path: string) => `GET ${path} HTTP/1.1\r\nHost: x\r\n\r\n`
  connection.write(`${ask('/file')}${ask('/wait')}`)
  const [sent, waiting] = await Promise.all([first.promise, second.promise])
  while (!sent.writableFinished || waiting.socket === null)
    await new Promise(resolve => setImmediate(resolve))
  t.is(waiting.socket.timeout, 0)
  const { socket } = waiting
  waiting.end()
  while (!waiting.writableFinished) await new Promise(resolve => setImmediate(resolve))
  t.true((socket.timeout ?? 0) > 0, 'then it is idle, and has the time of those')
  connection.destroy()
})

test('a long text is kept for nobody who does not take it', async t => {
  const sent = Promise.withResolvers<ServerResponse>()
  const server = createServer((incoming, response) => {
    const text = incoming.url === '/short' ? 'short' : 'x'.repeat(64 * 1024 * 1024)
    void send(incoming, response, new Reply({ body: text }), systemClock)
    sent.resolve(response)
    if (text === 'short') shortTimeout.resolve(incoming.socket.timeout)
  }).listen(0, '127.0.0.1')
  const shortTimeout = Promise.withResolvers<number | undefined>()
  await once(server, 'listening')
  t.teardown(() => server.close())
  const { port } = server.address() as AddressInfo
  const asking = request({ host: '127.0.0.1', port }).end()
  asking.on('error', () => {})
  const [answer] = await once(asking, 'response')
  answer.pause().on('error', () => {})
  const response = await sent.promise
  t.is(response.socket?.timeout, 120_000)
  response.emit('timeout')
  await once(response, 'close')
  t.false(response.writableFinished)
  const short = request({ host: '127.0.0.1', port, path: '/short' }).end()
  short.on('response', answer => answer.resume())
  t.is((await shortTimeout.promise) ?? 0, 0)
})

function* endless() {
  for (;;) yield Buffer.alloc(65_536)
}

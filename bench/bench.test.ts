import { createServer } from 'node:http'
import { text } from 'node:stream/consumers'
import test from 'ava'
import { readArguments } from './arguments.ts'
import { Connection } from './connection.ts'
import { closedLoop, openLoop } from './load.ts'
import { eventNumbers, nextBatch } from './matrix.ts'
import { processUsage } from './process-usage.ts'
import { register } from './registration.ts'
import { machine, markdown, report } from './report.ts'
import { ResponseParser } from './response-parser.ts'
import type { Bench } from './scenario.ts'
import { hotRoom } from './scenarios/hot-room.ts'
import { memory } from './scenarios/memory.ts'
import { sendToSync } from './scenarios/send-to-sync.ts'
import { waking } from './scenarios/waking.ts'
import { seatsInOwnRooms, sendingFrom } from './sending.ts'
import { startEcho } from './spawn.ts'
import { median, percentile } from './statistics.ts'
import { Target } from './target.ts'

const responses = {
  'declared length': 'HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello',
  chunked: 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nhel\r\n2;x=y\r\nlo\r\n0\r\n\r\n',
  'chunked with trailer':
    'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\na: b\r\n\r\n',
  'interim response': 'HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello',
}

for (const [name, text] of Object.entries(responses)) {
  test(`a response with ${name} is read however it is cut`, t => {
    for (let cut = 1; cut < text.length; cut++) {
      const parser = new ResponseParser()
      t.is(parser.push(Buffer.from(text.slice(0, cut))), undefined)
      const response = parser.push(Buffer.from(text.slice(cut)))
      t.is(response?.status, 200)
      t.is(response?.body.toString(), 'hello')
      t.is(parser.push(Buffer.from(text))?.body.toString(), 'hello', 'the next response on the connection')
    }
  })
}

test('a body without length ends with the connection, and what is not HTTP fails', t => {
  const parser = new ResponseParser()
  t.is(parser.push(Buffer.from('HTTP/1.1 500 Oops\r\n\r\nhel')), undefined)
  t.is(parser.push(Buffer.from('lo')), undefined)
  const response = parser.end()
  t.is(response?.status, 500)
  t.is(response?.body.toString(), 'hello')
  t.true(response?.close)
  t.throws(() => new ResponseParser().push(Buffer.from('SSH-2.0\r\n\r\n')))
})

test('percentiles are nearest ranks, medians ignore what is missing', t => {
  t.is(percentile([3, 1, 2, 4], 0.5), 2)
  t.is(percentile([3, 1, 2, 4], 0.99), 4)
  t.is(percentile([7], 0), 7)
  t.is(percentile([], 0.5), undefined)
  t.is(median([4, undefined, 1]), 2.5)
  t.is(median([undefined]), undefined)
})

test('sync responses are read without parsing them', t => {
  const body =
    '{"x":"\\"next_batch\\":\\"no\\"", "next_batch" : "s1\\u002f2","e":[{"bench_number":4},{"bench_number": 17}]}'
  t.is(nextBatch(body), 's1/2')
  t.deepEqual(eventNumbers(body), [4, 17])
  t.throws(() => nextBatch('{}'))
})

test('registration goes through the stages that the server asks for', async t => {
  const asked: unknown[] = []
  const flows = [
    { stages: ['m.login.recaptcha'] },
    { stages: ['m.login.registration_token', 'm.login.dummy'] },
  ]
  const server = createServer(async (request, response) => {
    const { auth } = JSON.parse(await text(request))
    asked.push(auth)
    const done = auth?.type === 'm.login.dummy'
    const completed = auth === undefined ? [] : ['m.login.registration_token']
    const challenge = { session: 'S', flows, completed }
    response.statusCode = done ? 200 : 401
    response.end(JSON.stringify(done ? { user_id: '@a:b', access_token: 'T' } : challenge))
  })
  await new Promise<void>(listening => server.listen(0, '127.0.0.1', listening))
  const address = server.address()
  const connection = new Connection(`http://127.0.0.1:${typeof address === 'object' ? address?.port : 0}`)
  t.deepEqual(await register(connection, { kind: 'token', token: 'xyz' }, 'a'), {
    userId: '@a:b',
    token: 'T',
  })
  t.deepEqual(asked, [
    undefined,
    { type: 'm.login.registration_token', session: 'S', token: 'xyz' },
    { type: 'm.login.dummy', session: 'S' },
  ])
  await t.throwsAsync(register(connection, { kind: 'open' }, 'b'), { message: /401/ })
  connection.close()
  server.close()
})

test('an option that makes no sense is named', t => {
  t.throws(() => readArguments(['--seconds', 'soon']), { message: /--seconds/ })
  t.throws(() => readArguments(['--sekonds', '1']), { message: /sekonds/ })
  t.is(readArguments(['--url', 'http://localhost:8008/']).url, 'http://localhost:8008')
})

test('the table shows ratios, and dashes for what is unknown', t => {
  const rows = [
    { measure: 'sends', unit: '1/s', server: 250, echo: 1000 },
    { measure: 'memory', unit: 'MB', server: undefined, echo: 50 },
  ]
  const table = markdown(report('Somebody', machine(), { seconds: 1 }, rows, ['a remark']))
  t.true(table.includes('| sends | 1/s | 250 | 1000 | 0.25 |'))
  t.true(table.includes('| memory | MB | – | 50 | – |'))
  t.true(table.includes('- a remark'))
})

test('the driver loses, doubles and invents nothing', async t => {
  const echo = await startEcho()
  t.teardown(echo.stop)
  const make = (name: string) =>
    new Target({ name, url: echo.url, pids: [echo.pid], registration: { kind: 'open' } })
  const target = make('server')
  t.true((processUsage([echo.pid])?.residentBytes ?? 0) > 1e6 || process.platform !== 'linux')

  const seats = await seatsInOwnRooms(target, 4)
  const closed = await closedLoop(target, { concurrency: 4, seconds: 0.1, next: sendingFrom(target, seats) })
  t.true(closed.requests > 0)
  t.is(closed.requests, closed.latencies.length)
  const [seat] = seats
  if (seat === undefined) return t.fail()
  const request = sendingFrom(target, [seat])
  const open = await openLoop(target, {
    connections: 2,
    perSecond: 500,
    seconds: 0.1,
    request: () => request(0),
  })
  t.is(open.requests, 50)

  const notes: string[] = []
  const bench: Bench = {
    ...{
      server: target,
      echo: make('echo'),
      seconds: 0.1,
      rounds: 1,
      concurrency: 4,
      rooms: 2,
      listeners: 5,
    },
    ...{
      fanOut: 2,
      waiting: 30,
      members: 3,
      kind: { synapse: false, database: undefined },
      rate: 200,
      measuredSendRate: undefined,
      notes,
      settle: 0.05,
      progress: () => {},
    },
    memoryAtStart: { server: undefined, echo: undefined },
  }
  const rows = []
  for (const scenario of [hotRoom, sendToSync, memory, waking]) rows.push(...(await scenario.run(bench)))
  t.deepEqual(notes, [], 'every event reached every listener')
  t.true(
    rows.every(row => process.platform !== 'linux' || (row.server !== undefined && row.echo !== undefined)),
  )
})

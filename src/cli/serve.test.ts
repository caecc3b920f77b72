import { chmodSync, existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import test from 'ava'
import { OperatorError } from '../config/operator-error.ts'
import { DatabaseTooNew } from '../storage/database.ts'
import { createFakeHost, fakeServer } from '../test-kit/command-line.ts'
import { logged, run, up } from '../test-kit/command-runs.ts'
import { temporaryDirectory } from '../test-kit/temporary-directory.ts'
import type { Server } from './ports.ts'
import { runProgram } from './program.ts'
import { startFailure } from './start-errors.ts'

test('a first start makes settings, key and note of the name; a later start leaves them alone', async t => {
  const cwd = temporaryDirectory(t)
  const first = await up(t, {}, { cwd })
  first.host.signal('SIGTERM')
  t.is(await first.code, 0)
  t.deepEqual(first.calls, ['listen', 'close'])
  const made = ['homeserver.yaml', 'signing.key', 'server_name'].map(name => join(cwd, 'data', name))
  const texts = made.map(path => readFileSync(path, 'utf8'))
  t.regex(texts[1] ?? '', /^ed25519 a_\w{6} [A-Za-z0-9+/]{43}\n$/)
  t.is(statSync(join(cwd, 'data/signing.key')).mode & 0o777, 0o600)
  const second = await up(t, {}, { cwd })
  second.host.signal('SIGINT')
  t.is(await second.code, 0)
  t.deepEqual(
    made.map(path => readFileSync(path, 'utf8')),
    texts,
  )
  t.deepEqual(
    logged(second.host).map(line => line.msg),
    ['listening', 'stopping', 'stopped'],
  )
})

test('another name for the same data is refused in one sentence', async t => {
  const cwd = temporaryDirectory(t)
  const first = await up(t, {}, { cwd })
  first.host.signal('SIGTERM')
  await first.code
  const { host, code } = await run(t, 'serve --server-name example.org', { cwd })
  t.is(code, 1)
  t.regex(
    host.err(),
    /^The data in .*\/data belong to the server localhost, and a server's name can never change: .*\n$/,
  )
})

test('a key that vanished is not replaced in silence', async t => {
  const cwd = temporaryDirectory(t)
  mkdirSync(join(cwd, 'data'))
  writeFileSync(join(cwd, 'data/homeserver.db'), '')
  const { host, code } = await run(t, 'serve', { cwd })
  t.is(code, 1)
  t.regex(host.err(), /^The signing key .*signing\.key is missing: restore it/)
  t.false(existsSync(join(cwd, 'data/signing.key')))
  t.is((await run(t, 'keys generate', { cwd })).code, 0)
  t.true(existsSync(join(cwd, 'data/signing.key')))
})

test('a data directory that cannot be one', async t => {
  const cwd = temporaryDirectory(t)
  writeFileSync(join(cwd, 'data'), '')
  const { host, code } = await run(t, 'serve', { cwd })
  t.is(code, 1)
  t.regex(host.err(), /^The data directory .*\/data cannot be written \(it is not a directory\): .*\n$/)
})

test('a key file that others can read is warned about', async t => {
  const cwd = temporaryDirectory(t)
  t.is((await run(t, 'init --server-name example.org', { cwd })).code, 0)
  chmodSync(join(cwd, 'data/signing.key'), 0o644)
  const { host, code } = await up(t, {}, { cwd })
  host.signal('SIGTERM')
  await code
  t.true(
    logged(host).some(({ level, msg }) => level === 'warn' && msg.includes('can be read by other users')),
  )
})

test('why a server does not start, in one sentence', async t => {
  const system = (code: string, fields: object) => Object.assign(new Error(code), { code, ...fields })
  const taken = system('EADDRINUSE', { syscall: 'listen', address: '127.0.0.1', port: 8008 })
  const calls: string[] = []
  const { host, code } = await run(t, 'serve', {
    module: { createServer: async () => fakeServer(calls, { listen: () => Promise.reject(taken) }) },
  })
  t.is(code, 1)
  t.deepEqual(calls, ['close'])
  t.is(
    host.err(),
    'Cannot listen: port 8008 of 127.0.0.1 is taken by another program; stop that, or choose another port with --port.\n',
  )
  const socket = { syscall: 'listen', address: '/run/x/http.sock', port: -1 }
  t.regex(startFailure(system('EADDRINUSE', socket)) ?? '', /another program listens on \/run\/x\/http\.sock/)
  t.regex(startFailure(system('ENOENT', socket)) ?? '', /the directory of .* is not there/)
  t.regex(startFailure(new DatabaseTooNew(9, 3)) ?? '', /^The database belongs to a newer version of Tessera/)
  t.regex(
    startFailure(system('EACCES', { syscall: 'listen', port: 443 })) ?? '',
    /^Cannot listen: port 443 of/,
  )
  t.regex(
    startFailure(system('ERR_OSSL_PEM_NO_START_LINE', {})) ?? '',
    /^The certificate or key of a listener/,
  )
  t.is(startFailure(new OperatorError('As it is.')), 'As it is.')
  t.is(startFailure(new TypeError('x is not a function')), undefined)
})

test('a fault of the program is logged with its stack, exit code 1; so is what nobody caught', async t => {
  const { host, code } = await run(t, 'serve', {
    module: { createServer: () => Promise.reject(new Error('oops')) },
  })
  t.is(code, 1)
  const [line] = logged(host)
  t.is(line?.level, 'fatal')
  t.like(line?.['err'], { message: 'oops' })
  const running = await up(t)
  running.host.crash(new Error('unhandled'))
  t.deepEqual(running.host.exits, [1])
  t.like(logged(running.host).at(-1)?.['err'], { message: 'unhandled' })
})

test('the first signal lets the server finish, the second does not', async t => {
  const closing = Promise.withResolvers<void>()
  const { host, code } = await up(t, { close: () => closing.promise })
  host.signal('SIGINT')
  t.deepEqual(host.exits, [])
  host.signal('SIGINT')
  t.deepEqual(host.exits, [1])
  closing.resolve()
  t.is(await code, 0)
})

test('a signal before the server is up ends the start', async t => {
  const opening = Promise.withResolvers<Server>()
  const host = createFakeHost(temporaryDirectory(t), { module: { createServer: () => opening.promise } })
  const code = runProgram(host, ['serve'])
  while (host.out() === '') {
    await new Promise(setImmediate)
    host.signal('SIGTERM')
  }
  t.is(host.exits[0], 0)
  opening.reject(new OperatorError('Over.'))
  await code
})

test('SIGHUP: new log level and rate limits at once, and nothing at all of wrong settings', async t => {
  const cwd = temporaryDirectory(t)
  const write = (text: string) => writeFileSync(join(cwd, 'homeserver.yaml'), text)
  write('')
  const seen: (readonly [string, number, string])[] = []
  const { host, code } = await up(
    t,
    {
      reconfigure: ({ logging, rateLimits, registration }) =>
        void seen.push([logging.level, rateLimits.buckets.login.burst, registration.mode]),
    },
    { cwd },
  )
  write('rate_limits: {buckets: {login: {burst: 77}}}\nregistration: {mode: open}')
  host.signal('SIGHUP')
  write('rate_limits: {buckets: {login: {burst: 88}}}\nregistraton: {mode: open}')
  host.signal('SIGHUP')
  t.deepEqual(seen, [['info', 77, 'closed']])
  t.like(logged(host).at(-2), {
    changed: ['rate_limits.buckets.login.burst'],
    needRestart: ['registration.mode'],
  })
  t.like(logged(host).at(-1), {
    level: 'error',
    errors: ['homeserver.yaml:2:1: registraton is not an option; did you mean registration?'],
  })
  write('logging: {level: error}')
  host.signal('SIGHUP')
  host.signal('SIGTERM')
  t.is(await code, 0)
  t.is(logged(host).at(-1)?.level, 'error', 'nothing below the new level is written')
})

test('SIGHUP before the server is up is answered once it is', async t => {
  const opening = Promise.withResolvers<Server>()
  const host = createFakeHost(temporaryDirectory(t), { module: { createServer: () => opening.promise } })
  const code = runProgram(host, ['serve'])
  while (!host.isHeard('SIGHUP')) await new Promise(setImmediate)
  host.signal('SIGHUP')
  opening.resolve(fakeServer([]))
  while (!host.out().includes('settings read again')) await new Promise(setImmediate)
  host.signal('SIGTERM')
  t.is(await code, 0)
})

test('signals by which other programs begin new log files are passed over', async t => {
  const { host, code } = await up(t, {})
  for (const signal of ['SIGUSR1', 'SIGUSR2'] as const) {
    host.signal(signal)
    t.like(logged(host).at(-1), { level: 'info', signal })
  }
  host.signal('SIGTERM')
  t.is(await code, 0)
})

test('systemd hears of start and stop', async t => {
  const { host, code } = await up(t, {}, { env: { NOTIFY_SOCKET: '/run/x' } })
  host.signal('SIGTERM')
  await code
  t.deepEqual(host.programs, ['systemd-notify --ready', 'systemd-notify STOPPING=1'])
})

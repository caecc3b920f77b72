import { execFile } from 'node:child_process'
import { chmodSync, existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import test, { type ExecutionContext } from 'ava'
import { defaultConfig } from '../config/load.ts'
import { createLog, withoutSecrets } from '../config/logging.ts'
import { OperatorError } from '../config/operator-error.ts'
import { MatrixError } from '../core/errors.ts'
import { DatabaseTooNew } from '../storage/database.ts'
import {
  createFakeHost,
  type FakeHost,
  type FakeHostOptions,
  fakeServer,
  fakeServices,
} from '../test-kit/command-line.ts'
import { temporaryDirectory } from '../test-kit/temporary-directory.ts'
import { type BannerFacts, banner, firstStartBanner } from './banner.ts'
import type { Server } from './ports.ts'
import { runProgram } from './program.ts'
import { startFailure } from './start-errors.ts'

const run = async (t: ExecutionContext, line: string, options: FakeHostOptions & { cwd?: string } = {}) => {
  const host = createFakeHost(options.cwd ?? temporaryDirectory(t), options)
  return { host, code: await runProgram(host, line.split(' ')) }
}

/** Runs `serve` with a server that does nothing, and waits until it is up. */
const up = async (
  t: ExecutionContext,
  parts: Partial<Server> = {},
  options: FakeHostOptions & { cwd?: string } = {},
) => {
  const calls: string[] = []
  const listening = Promise.withResolvers<void>()
  const server = fakeServer(calls, {
    stats: async () => {
      setImmediate(listening.resolve)
      return { rooms: 3, users: 1 }
    },
    ...parts,
  })
  const host = createFakeHost(options.cwd ?? temporaryDirectory(t), {
    ...options,
    module: { createServer: async () => server },
  })
  const code = runProgram(host, ['serve'])
  await Promise.race([listening.promise, code])
  return { host, code, calls }
}

const logged = (host: FakeHost): { msg: string; level: string; [field: string]: unknown }[] =>
  host
    .out()
    .split('\n')
    .filter(line => line !== '')
    .map(line => JSON.parse(line))

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

test('systemd hears of start and stop', async t => {
  const { host, code } = await up(t, {}, { env: { NOTIFY_SOCKET: '/run/x' } })
  host.signal('SIGTERM')
  await code
  t.deepEqual(host.programs, ['systemd-notify --ready', 'systemd-notify STOPPING=1'])
})

const facts = (settings: object = {}): BannerFacts => ({
  version: '0.1.0',
  nodeVersion: 'v24.0.0',
  config: defaultConfig('/srv', settings),
  flags: {},
  urls: ['http://127.0.0.1:8008'],
  warnings: [],
  created: {},
  settings: 'data/homeserver.yaml',
  database: 'data/homeserver.db',
})

test('the banner of a first start', t => {
  const created = { settings: 'data/homeserver.yaml', signingKey: 'data/signing.key' }
  const text = firstStartBanner(
    { ...facts(), created },
    {
      setupUrl: 'http://localhost:8008/setup?token=abc',
      signingKeyId: 'ed25519:a_AbCdEf',
      migrations: { applied: 4, milliseconds: 31.7 },
    },
  )
  t.is(
    text,
    `
  Tessera 0.1.0  ·  Matrix homeserver  ·  node v24.0.0

  Settings  data/homeserver.yaml  (every option is explained there; edit, then restart)
  Key       data/signing.key  ed25519:a_AbCdEf  (back this up: it is your server's identity)
  Database  data/homeserver.db  (4 migrations in 32 ms)

  Server    localhost  on http://localhost:8008
  Chat      http://localhost:8008/  (in a browser; or give the address to any Matrix client)
  API       http://localhost:8008/_matrix/client/versions
  Health    http://localhost:8008/health

  No administrator yet. Open this link once to make one (valid 24 h):
    http://localhost:8008/setup?token=abc
  or:  npx tessera user create alice --admin

  Registration is closed. To invite people, set registration.mode to token in data/homeserver.yaml, then:  npx tessera token create

  ! server_name is "localhost": fine for trying out, no federation. It can never be changed later.
    For a real server, in a directory of its own:  npx tessera init --server-name example.org --data DIR
`,
  )
})

test('the banner of later starts is short, and its commands are for the same server', t => {
  const settings = { server_name: 'example.org', registration: { mode: 'token' } }
  const warned = { ...facts(settings), warnings: ['careful'], flags: { data: 'my data' } }
  t.is(
    banner(warned, { rooms: 1, users: 2 }),
    `  Tessera 0.1.0  ·  example.org  ·  node v24.0.0
  http://localhost:8008
  2 users, 1 room
  ! careful`,
  )
  const migrations = { applied: 0, milliseconds: 0 }
  const first = firstStartBanner(warned, { setupUrl: '', signingKeyId: '', migrations })
  t.regex(first, /npx tessera user create alice --admin --data 'my data'/)
  t.regex(first, /Registration takes a token\. Make one: {2}npx tessera token create/)
  t.false(first.includes('localhost"'))
})

test('init prepares a real server once', async t => {
  const cwd = temporaryDirectory(t)
  t.is((await run(t, 'init', { cwd })).code, 1, 'the name must be said')
  const { host, code } = await run(t, 'init --server-name example.org --data here', { cwd })
  t.is(code, 0)
  t.is(host.out(), 'Created  here/homeserver.yaml\nCreated  here/signing.key\n')
  t.regex(host.err(), /Start it: {2}npx tessera serve --data here/)
  t.regex(readFileSync(join(cwd, 'here/homeserver.yaml'), 'utf8'), /^server_name: example\.org$/m)
  const again = await run(t, 'init --server-name example.org --data here', { cwd })
  t.is(again.code, 1)
  t.regex(again.host.err(), /There is a server already, with the settings here\/homeserver\.yaml/)
})

test('config check', async t => {
  const cwd = temporaryDirectory(t)
  writeFileSync(join(cwd, 'homeserver.yaml'), 'registration: {mode: open}')
  const check = await run(t, 'config check --print --set logging.level=warn', { cwd })
  t.is(check.code, 0)
  t.regex(check.host.out(), /mode: open # homeserver\.yaml:1:16\n/)
  t.regex(check.host.err(), /^warning: registration\.mode is open/)
  const wrong = await run(t, 'config check --port x', { cwd })
  t.is(wrong.code, 78)
  t.is(wrong.host.err(), '--port: listeners[0].port must be an integer from 0 to 65535, not "x"\n')
})

test('keys: made once, shown without their secret', async t => {
  const cwd = temporaryDirectory(t)
  const made = await run(t, 'keys generate --output my.key', { cwd })
  t.is(made.code, 0)
  t.regex(made.host.out(), /^ed25519:a_\w{6} [A-Za-z0-9+/]{43}\n$/)
  const again = await run(t, 'keys generate --output my.key', { cwd })
  t.is(again.code, 1)
  t.regex(again.host.err(), /^my\.key is there already, and is never overwritten/)
  const shown = await run(t, 'keys show --set signing_key_file=my.key', { cwd })
  t.is(shown.host.out(), made.host.out())
  t.is((await run(t, 'keys show', { cwd })).code, 1)
})

test('user create and token create', async t => {
  const cwd = temporaryDirectory(t)
  const calls: unknown[] = []
  const module = { openCliServices: async () => fakeServices(calls) }
  const missing = await run(t, 'user create alice', { cwd, module })
  t.is(missing.code, 1)
  t.regex(missing.host.err(), /^There is no database at data\/homeserver\.db: start the server once/)
  mkdirSync(join(cwd, 'data'))
  writeFileSync(join(cwd, 'data/homeserver.db'), '')
  const made = await run(t, 'user create @alice:localhost --admin', { cwd, module })
  t.is(made.host.out(), '@alice:localhost\npassword: made-up\n')
  const chosen = await run(t, 'user add bob --password-stdin', { cwd, module, input: 'correct horse\n' })
  t.is(chosen.host.out(), '@bob:localhost\n')
  const strange = await run(t, 'user create @carol:elsewhere.example', { cwd, module })
  t.is(strange.code, 1)
  const token = await run(t, 'token create --uses 3 --expires 7d', { cwd, module })
  t.is(token.host.out(), 'made-up\n')
  t.regex(token.host.err(), /^warning: registration\.mode is closed/)
  t.is((await run(t, 'invite --uses none', { cwd, module })).code, 1)
  t.deepEqual(
    calls.filter(call => call !== 'close'),
    [
      { localpart: 'alice', admin: true },
      { localpart: 'bob', password: 'correct horse', admin: false },
      { uses: 3, expiresInMs: 604_800_000 },
    ],
  )
  t.is(calls.filter(call => call === 'close').length, 5, 'whatever happens, the database is closed')
  const refused = await run(t, 'user create alice', {
    cwd,
    module: {
      openCliServices: async () => ({
        ...fakeServices([]),
        createUser: () => Promise.reject(new MatrixError('M_USER_IN_USE', 'This name is taken')),
      }),
    },
  })
  t.is(refused.code, 1)
  t.is(refused.host.err(), 'This name is taken (M_USER_IN_USE)\n')
})

test('doctor --after-restore says what it has set right', async t => {
  const cwd = temporaryDirectory(t)
  mkdirSync(join(cwd, 'data'))
  writeFileSync(join(cwd, 'data/homeserver.db'), '')
  const module = { openCliServices: async () => fakeServices([]) }
  const { host, code } = await run(t, 'doctor --after-restore', { cwd, module })
  t.is(code, 0)
  t.regex(host.out(), /of 3 users are announced again\n150 one-time keys .* dropped\ndevice lists of 2 users/)
})

test('rooms are listed, and purged by the server', async t => {
  const cwd = temporaryDirectory(t)
  mkdirSync(join(cwd, 'data'))
  writeFileSync(join(cwd, 'data/homeserver.db'), '')
  const calls: unknown[] = []
  const module = { openCliServices: async () => fakeServices(calls) }
  const says = async (line: string) => (await run(t, line, { cwd, module })).host.out()
  const size = '7 events (2 KiB), 1 files (1 KiB)'
  t.is(await says('room list'), '!r  40 events  3 members, 2 of this server  Tea\n')
  t.regex(await says('room show !r'), /version: 12\nmade: 1970.* by @a:localhost\n.*\nstored: 7 events/)
  t.is(
    await says('room purge-history !r --before 2026-01-31 --dry-run'),
    `!r: would delete ${size} of before 2026-01-31T00:00:00.000Z\n`,
  )
  t.deepEqual(
    calls.filter(call => call !== 'close'),
    [],
  )
  t.regex(await says('room purge-history !r --before 2026-01-31'), /deleting .*\n!r: deleted 7 events/)
  const refused = await run(t, 'room purge !r', { cwd, module })
  t.is(refused.host.err(), '2 users of this server are in !r: with --force they leave it.\n')
  await says('room purge !r --force')
  t.is(await says('retention --dry-run'), `!r: would delete ${size}\n1 room, ${size}\n`)
  await says('retention')
  for (const line of ['room purge-history !r', 'room show !x', 'room purge-history !r --keep-days x']) {
    t.is((await run(t, line, { cwd, module })).code, 1, line)
  }
  t.deepEqual(
    calls.filter(call => call !== 'close'),
    [
      { roomId: '!r', before: Date.UTC(2026, 0, 31), isForced: false },
      { roomId: '!r', before: undefined, isForced: true },
      { roomId: '!r', before: 5, isForced: false },
    ],
  )
})

test('notices to one user and to all', async t => {
  const cwd = temporaryDirectory(t)
  mkdirSync(join(cwd, 'data'))
  writeFileSync(join(cwd, 'data/homeserver.db'), '')
  const calls: unknown[] = []
  const module = { openCliServices: async () => fakeServices(calls) }
  const says = async (line: string) => (await run(t, line, { cwd, module })).host.out()
  t.is(await says('notice send @ann:localhost Hello'), '1 user gets it within a minute\n')
  t.is(await says('notice send-all Hello'), '3 users get it within a minute\n')
  t.is((await run(t, 'notice send @ann:elsewhere.example Hello', { cwd, module })).code, 1)
  t.deepEqual(
    calls.filter(call => call !== 'close'),
    [{ userId: '@ann:localhost', body: 'Hello' }, { body: 'Hello' }],
  )
})

test('media usage, purge and quarantine', async t => {
  const cwd = temporaryDirectory(t)
  mkdirSync(join(cwd, 'data'))
  writeFileSync(join(cwd, 'data/homeserver.db'), '')
  const calls: unknown[] = []
  const module = { openCliServices: async () => fakeServices(calls) }
  const says = async (line: string) => (await run(t, line, { cwd, module })).host.out()
  t.is(
    await says('media usage'),
    'copies from other servers: 2 files, 1.5 KiB\nuploads of users here: 1 files, 3 bytes\n',
  )
  t.is(await says('media purge --dry-run'), 'would delete 4 files, 5 MiB\n')
  t.is(await says('media purge --remote-older-than 7d'), 'deleted 4 files, 5 MiB\n')
  t.is((await run(t, 'media purge --remote-older-than soon', { cwd, module })).code, 1)
  t.is(
    await says('media list --user @a:localhost'),
    '1970-01-01T00:00:00.000Z  2 KiB  upload  @a:localhost  image/png  mxc://localhost/abc\n',
  )
  t.is(await says('media copy directory s3'), 'copied 3 files, 2 KiB\n')
  t.is((await run(t, 'media copy s3 s3', { cwd, module })).code, 1)
  t.is(await says('media quarantine mxc://a/b'), 'hidden: 2 files\n')
  t.is(await says('media quarantine mxc://a/b --undo'), 'shown again: 2 files\n')
  t.deepEqual(
    calls.filter(call => call !== 'close'),
    [
      { dryRun: true },
      { dryRun: false, remoteLifetime: 604_800_000 },
      { limit: 50, userId: '@a:localhost' },
      ['directory', 's3'],
      ['mxc://a/b', true],
      ['mxc://a/b', false],
    ],
  )
})

test('the log blanks secrets out', t => {
  const lines: string[] = []
  const log = createLog({ level: 'info', format: 'json' }, { write: line => lines.push(line) })
  log.info(
    {
      url: '/_matrix/client/v3/sync?access_token=hunter2&since=s1',
      headers: { authorization: 'Bearer hunter2', host: 'x' },
      body: { password: 'hunter2', auth: { token: 'hunter2' } },
    },
    'request',
  )
  log.child({ accessToken: 'hunter2' }).warn({ err: new Error('plain') }, 'child')
  log.debug({}, 'not at this level')
  t.is(lines.length, 2)
  t.false(lines.join('').includes('hunter2'))
  t.like(JSON.parse(lines[0] ?? ''), {
    level: 'info',
    msg: 'request',
    url: '/_matrix/client/v3/sync?access_token=[secret]&since=s1',
    headers: { host: 'x' },
  })
  t.is(withoutSecrets('/x?a=1'), '/x?a=1')
})

/** Runs the real entry in a process of its own. */
const spawned = (cwd: string, ...args: string[]): Promise<{ code: unknown; out: string; err: string }> =>
  new Promise(resolve => {
    const entry = fileURLToPath(new URL('../../bin/tessera.js', import.meta.url))
    execFile(process.execPath, [entry, ...args], { cwd, env: {} }, (error, out, err) =>
      resolve({ code: error === null ? 0 : error.code, out, err }),
    )
  })

test('the entry: version, usage errors, bad settings', async t => {
  const cwd = temporaryDirectory(t)
  writeFileSync(join(cwd, 'homeserver.yaml'), 'listeners: [{port: eight}]')
  const [version, usage, wrong] = await Promise.all([
    spawned(cwd, '--version'),
    spawned(cwd, '--no-such-flag'),
    spawned(cwd),
  ])
  t.like(version, { code: 0, err: '' })
  t.regex(version.out, /^tessera \d+\.\d+\.\d+\n$/)
  t.is(usage.code, 1)
  t.deepEqual(wrong, {
    code: 78,
    out: '',
    err: 'homeserver.yaml:1:14: listeners[0].port must be an integer from 0 to 65535, not "eight"\n',
  })
})

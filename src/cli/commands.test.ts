import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import { MatrixError } from '../core/errors.ts'
import { fakeServices } from '../test-kit/command-line.ts'
import { run } from '../test-kit/command-runs.ts'
import { temporaryDirectory } from '../test-kit/temporary-directory.ts'
import { createAuthority } from '../test-kit/tls.ts'

/** A server that has been started before; `calls` is what commands ask of its services. */
const prepared = (t: ExecutionContext) => {
  const cwd = temporaryDirectory(t)
  mkdirSync(join(cwd, 'data'))
  writeFileSync(join(cwd, 'data/homeserver.db'), '')
  const calls: unknown[] = []
  const module = { openCliServices: async () => fakeServices(calls) }
  const runs = (line: string) => run(t, line, { cwd, module })
  return { cwd, module, calls, runs, says: async (line: string) => (await runs(line)).host.out() }
}

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

test('config check looks into the files that settings name', async t => {
  const cwd = temporaryDirectory(t)
  const tls = '{certificate: cert.pem, key: key.pem}'
  const settings = `application_services: {directory: .}\nlisteners: [{port: 8448, tls: ${tls}}]`
  writeFileSync(join(cwd, 'homeserver.conf'), settings)
  writeFileSync(join(cwd, 'bridge.yaml'), 'id: bridge\nas_token: a\n')
  writeFileSync(join(cwd, 'cert.pem'), 'nothing')
  writeFileSync(join(cwd, 'key.pem'), 'nothing')
  const wrong = await run(t, 'config check --config homeserver.conf', { cwd })
  t.is(wrong.code, 78)
  t.regex(wrong.host.err(), /bridge\.yaml:1:1: namespaces must be a section/)
  t.regex(wrong.host.err(), /The certificate \S+cert\.pem cannot be used with the key \S+key\.pem: /)
  t.notRegex(wrong.host.err(), /is right/)
  const { cert, key } = await (await createAuthority()).issue(['a.test'])
  writeFileSync(join(cwd, 'cert.pem'), cert)
  writeFileSync(join(cwd, 'key.pem'), key)
  writeFileSync(
    join(cwd, 'bridge.yaml'),
    'id: bridge\nurl: null\nas_token: a\nhs_token: h\nsender_localpart: bot\nnamespaces: {}\n',
  )
  t.is((await run(t, 'config check --config homeserver.conf', { cwd })).code, 0)
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
  const { calls, runs, says } = prepared(t)
  const size = '7 events (2 KiB), 1 files (1 KiB)'
  t.is(
    await says('room list'),
    '!r  40 events  3 members, 2 of this server, 1 more invited or knocking  Tea\n',
  )
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
  const refused = await runs('room purge !r')
  t.is(
    refused.host.err(),
    '3 users of this server are in !r, invited or knocking: with --force they leave it.\n',
  )
  await says('room purge !r --force')
  t.is(await says('retention --dry-run'), `!r: would delete ${size}\n1 room, ${size}\n`)
  await says('retention')
  for (const line of [
    ...['room purge-history !r', 'room show !x', 'room purge-history !r --keep-days x'],
    'retention --wait soon',
  ]) {
    t.is((await runs(line)).code, 1, line)
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
  const { calls, runs, says } = prepared(t)
  t.is(await says('notice send @ann:localhost Hello'), '1 user gets it within a minute\n')
  t.is(await says('notice send-all Hello'), '3 users get it within a minute\n')
  t.is((await runs('notice send @ann:elsewhere.example Hello')).code, 1)
  t.deepEqual(
    calls.filter(call => call !== 'close'),
    [{ userId: '@ann:localhost', body: 'Hello' }, { body: 'Hello' }],
  )
})

test('media usage, purge and quarantine', async t => {
  const { calls, runs, says } = prepared(t)
  t.is(
    await says('media usage'),
    'copies from other servers: 2 files, 1.5 KiB\nuploads of users here: 1 files, 3 bytes\n',
  )
  t.is(await says('media purge --dry-run'), 'would delete 4 files, 5 MiB\n')
  t.is(await says('media purge --remote-older-than 7d'), 'deleted 4 files, 5 MiB\n')
  t.is((await runs('media purge --remote-older-than soon')).code, 1)
  t.is(
    await says('media list --user @a:localhost'),
    '1970-01-01T00:00:00.000Z  2 KiB  upload  @a:localhost  image/png  mxc://localhost/abc\n',
  )
  t.is(await says('media copy directory s3'), 'copied 3 files, 2 KiB\n')
  t.is((await runs('media copy s3 s3')).code, 1)
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

test('accounts, tokens and reports', async t => {
  const { cwd, module, calls, says, runs } = prepared(t)
  const line = '@a:localhost  administrator  suspended  1 device  last seen 1970-01-01\n'
  t.is(await says('user list --match a --limit 5'), line)
  t.regex(await says('user show a'), /^user: @a:localhost\nname: Ann\nis: administrator, suspended\n/)
  t.is((await runs('user show b')).code, 1)
  t.is((await runs('user list --limit none')).code, 1)
  t.is(await says('user passwd a'), '@a:localhost\npassword: made-up\nlogged out everywhere\n')
  const given = await run(t, 'user password a --password-stdin --keep-sessions', {
    cwd,
    module,
    input: 'tea\n',
  })
  t.is(given.host.out(), '@a:localhost\n')
  t.is(await says('user logout a'), '@a:localhost: logged out everywhere\n')
  t.is(await says('user lock a'), '@a:localhost is locked\n')
  t.is(await says('user admin a --undo'), '@a:localhost is no administrator\n')
  t.regex(await says('user deactivate a --erase'), /^@a:localhost is deactivated/)
  t.is(await says('token list'), 'tea  used 2 of 3 times  good until 1970-01-01T00:00:00.000Z\n')
  t.is(await says('token delete tea'), 'tea: deleted\n')
  const reported = '1970-01-01T00:00:00.000Z  @a:localhost  '
  t.is(await says('report list'), `${reported}!r $e  "rude\\nwords"\n${reported}@b:localhost  -\n`)
  t.deepEqual(
    calls.filter(call => call !== 'close'),
    [
      { limit: 5, match: 'a' },
      ['@a:localhost', { endSessions: true }],
      ['@a:localhost', { endSessions: false, password: 'tea' }],
      '@a:localhost',
      ['@a:localhost', 'is_locked', true],
      ['@a:localhost', 'is_admin', false],
      ['@a:localhost', { erase: true }],
      'tea',
    ],
  )
})

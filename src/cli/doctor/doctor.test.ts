import { once } from 'node:events'
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { join } from 'node:path'
import test from 'ava'
import { stringify } from 'yaml'
import { defaultConfig } from '../../config/load.ts'
import { type SigningKey, signingKeyFromSeed } from '../../core/signing.ts'
import { createFakeHost } from '../../test-kit/command-line.ts'
import { examine, honest, inOrder, ourServer, prepare, startServer } from '../../test-kit/doctor-world.ts'
import { ScriptedPeer } from '../../test-kit/https-server.ts'
import { openMailSink } from '../../test-kit/mail-sink.ts'
import { ScriptedProvider } from '../../test-kit/openid-provider.ts'
import { temporaryDirectory } from '../../test-kit/temporary-directory.ts'
import { runProgram } from '../program.ts'
import { checkClock } from './federation-side.ts'
import { checkPasswords } from './this-machine.ts'

test('another server, all in order', async t => {
  const peer = await startServer(t)
  inOrder(peer)
  const { code, findings } = await examine(await prepare(t, [peer]), peer.host)
  t.deepEqual(
    findings.map(({ verdict, subject }) => `${verdict} ${subject}`),
    [
      'OK well-known',
      'OK SRV record',
      'WARN address',
      'OK certificate',
      'OK federation',
      'OK clock',
      'OK served key',
      'OK client well-known',
      'OK client API',
    ],
    'only that it is on this machine is doubtful',
  )
  t.is(code, 0)
})

test('a server where everything is wrong that can be', async t => {
  const peer = await startServer(t, { certificateFor: ['other.test'] })
  inOrder(peer)
  const bad = await examine(await prepare(t, [peer]), peer.host)
  t.is(bad.code, 1)
  t.like(bad.verdictOn('certificate'), { verdict: 'FAIL' })
  t.regex(bad.verdictOn('certificate')?.message ?? '', /not valid for .*\.test/)

  const confused = await startServer(t)
  confused.always('GET', '/.well-known/matrix/server', { json: { 'm.server': 17 } })
  confused.always('GET', '/_matrix/federation/v1/version', {
    json: {},
    headers: { date: 'Mon, 01 Jan 2024 00:00:00 GMT' },
  })
  confused.always('GET', '/.well-known/matrix/client', {
    json: { 'm.homeserver': { base_url: `https://${confused.host}` } },
  })
  confused.always('GET', '/_matrix/client/versions', { text: '<html>' })
  const { verdictOn } = await examine(await prepare(t, [confused]), confused.host)
  for (const subject of ['well-known', 'federation', 'client well-known', 'client API']) {
    t.is(verdictOn(subject)?.verdict, 'FAIL', subject)
  }
  t.regex(verdictOn('client well-known')?.message ?? '', /browsers may not read/)
})

test('nobody there', async t => {
  const peer = await ScriptedPeer.start({ portInName: false })
  await peer.close()
  const { code, verdictOn } = await examine(await prepare(t, [peer]), peer.host)
  t.is(code, 1)
  t.like(verdictOn('certificate'), { verdict: 'FAIL' })
  t.like(verdictOn('federation'), { verdict: 'FAIL' })
  t.regex(verdictOn('federation')?.message ?? '', /ECONNREFUSED/)
})

test('our own server, before its first start', async t => {
  const { cwd } = await ourServer(t, honest)
  const { code, findings, verdictOn } = await examine(cwd)
  t.deepEqual(
    findings.filter(({ verdict }) => verdict === 'FAIL'),
    [],
  )
  t.is(code, 0)
  t.like(verdictOn('signing key'), { verdict: 'OK' })
  t.like(verdictOn('database'), { verdict: 'WARN' })
  t.like(verdictOn('passwords'), { verdict: 'OK' })
  t.regex(verdictOn('passwords')?.message ?? '', /^one is hashed in \d+ ms$/)
  t.like(verdictOn('clock'), { verdict: 'SKIP' })
  t.like(verdictOn('served key'), { verdict: 'OK' })
  t.like(verdictOn('reverse proxy'), { verdict: 'OK' })
})

test('another key is served than the one in our file; another server; an unsigned list', async t => {
  const stranger = signingKeyFromSeed('ed25519:x', new Uint8Array(32))
  const cases: [RegExp, (key: SigningKey, name: string) => object][] = [
    [/is not served as it is in our key file/, (_key, name) => honest(stranger, name)],
    [/the server there is elsewhere\.test/, key => honest(key, 'elsewhere.test')],
    [/does not sign the list/, (key, name) => ({ ...honest(key, name), signatures: {} })],
  ]
  for (const [message, published] of cases) {
    const { cwd } = await ourServer(t, published)
    const { verdictOn } = await examine(cwd)
    t.is(verdictOn('served key')?.verdict, 'FAIL')
    t.regex(verdictOn('served key')?.message ?? '', message)
  }
})

test('the mail server lets this server in, or does not', async t => {
  const sink = await openMailSink()
  const cwd = temporaryDirectory(t)
  writeFileSync(join(cwd, 'homeserver.yaml'), stringify({ email: sink.settings }))
  t.like((await examine(cwd)).verdictOn('e-mail'), { verdict: 'OK' })
  t.deepEqual(sink.mails, [])
  await sink.close()
  t.like((await examine(cwd)).verdictOn('e-mail'), { verdict: 'FAIL' })
})

test('providers know this server, or do not', async t => {
  const provider = await ScriptedProvider.open(t)
  const cwd = temporaryDirectory(t)
  const verdict = async (changed: object = {}) => {
    const { url: issuer, clientSecret } = provider
    const one = {
      id: 'company',
      name: 'x',
      issuer,
      client_id: 'tessera',
      client_secret: clientSecret,
      ...changed,
    }
    writeFileSync(join(cwd, 'homeserver.yaml'), stringify({ sign_in: { providers: [one] } }))
    return (await examine(cwd)).verdictOn('sign-in')
  }
  t.like(await verdict(), { verdict: 'OK' })
  const wrong = await verdict({ client_secret: 'another' })
  t.is(wrong?.verdict, 'FAIL')
  t.regex(wrong?.message ?? '', /client ID or secret/)
  t.false(wrong?.message.includes('another'))
  t.regex((await verdict({ issuer: `${provider.url}/elsewhere` }))?.message ?? '', /unexpected HTTP status/)
  t.regex((await verdict({ issuer: 'http://127.0.0.1:1' }))?.message ?? '', /ECONNREFUSED/)
  provider.isStrict = true
  t.like(await verdict(), { verdict: 'WARN' })
})

test('a provider and a mail server that say nothing are waited for as long as one wants', async t => {
  const mute = createServer().listen(0, '127.0.0.1')
  await once(mute, 'listening')
  const connections: Socket[] = []
  mute.on('connection', socket => connections.push(socket.on('error', () => undefined)))
  t.teardown(() => {
    for (const socket of connections) socket.destroy()
    mute.close()
  })
  const { port } = mute.address() as AddressInfo
  const cwd = temporaryDirectory(t)
  const issuer = `http://127.0.0.1:${port}`
  const provider = { id: 'company', name: 'x', issuer, client_id: 'tessera', client_secret: 'x' }
  const email = { host: '127.0.0.1', port, tls: 'none', from: 'tessera@example.org' }
  writeFileSync(join(cwd, 'homeserver.yaml'), stringify({ email, sign_in: { providers: [provider] } }))
  const { verdictOn } = await examine(cwd, '--patience', '20ms')
  t.regex(verdictOn('sign-in')?.message ?? '', /no answer within 20 ms/)
  t.regex(verdictOn('e-mail')?.message ?? '', /did not answer in time/)
})

test('this machine: settings, key file, database', async t => {
  const cwd = temporaryDirectory(t)
  const nothing = await examine(cwd)
  t.is(nothing.code, 1)
  t.like(nothing.verdictOn('data directory'), { verdict: 'FAIL' })
  t.like(nothing.verdictOn('signing key'), { verdict: 'FAIL' })
  t.like(nothing.verdictOn('federation'), { verdict: 'SKIP' })
  t.like(nothing.verdictOn('e-mail'), { verdict: 'SKIP' })
  mkdirSync(join(cwd, 'data'))
  await runProgram(createFakeHost(cwd), ['keys', 'generate'])
  chmodSync(join(cwd, 'data/signing.key'), 0o640)
  writeFileSync(join(cwd, 'data/homeserver.db'), 'this is no database, however long one looks at it')
  const { verdictOn } = await examine(cwd)
  t.like(verdictOn('signing key'), { verdict: 'WARN' })
  t.like(verdictOn('database'), { verdict: 'FAIL' })
  t.regex(verdictOn('database')?.message ?? '', /cannot be used: file is not a database/)
  writeFileSync(join(cwd, 'homeserver.yaml'), 'sever_name: x')
  const wrong = await examine(cwd)
  t.deepEqual(
    wrong.findings.map(({ message }) => message),
    ['homeserver.yaml:1:1: sever_name is not an option; did you mean server_name?'],
  )
  t.is(readFileSync(join(cwd, 'data/homeserver.db'), 'utf8').slice(0, 4), 'this', 'a doctor changes nothing')
})

test('clocks', t => {
  t.is(checkClock('a.example', undefined).verdict, 'SKIP')
  t.is(checkClock('a.example', -900).verdict, 'OK')
  t.is(checkClock('a.example', 10_000).verdict, 'WARN')
  t.regex(checkClock('a.example', 10_000).message, /10\.0 s ahead of a\.example/)
  t.is(checkClock('a.example', -100_000).verdict, 'FAIL')
})

test('a machine on which nothing hashes passwords', async t => {
  const config = defaultConfig(temporaryDirectory(t))
  const { hashing } = config.passwords
  const hard = { ...config, passwords: { ...config.passwords, hashing: { ...hashing, iterations: 0 } } }
  t.like(await checkPasswords(hard), { verdict: 'FAIL' })
  const none = { ...config, passwords: { ...config.passwords, enabled: false } }
  t.like(await checkPasswords(none), { verdict: 'SKIP' })
})

test('for people: a line each, the remedy below, a sum', async t => {
  const host = createFakeHost(temporaryDirectory(t))
  t.is(await runProgram(host, ['doctor']), 1)
  t.regex(host.out(), /^FAIL {2}data directory {5}\S.* is not there\n {6}→ Start the server once/m)
  t.regex(host.out(), /\n\d+ wrong, \d+ doubtful, \d+ right\n$/)
})

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import test from 'ava'
import { RATE_LIMIT_BUCKETS } from '../spec/operation.ts'
import { configOf, errorsOf, load } from '../test-kit/config-texts.ts'
import { environmentName } from './assignments.ts'
import { didYouMean } from './did-you-mean.ts'
import { defaultConfig } from './load.ts'
import { databaseLocation, rateLimitsOf, signingKeyPath } from './locations.ts'
import { withValue } from './merge.ts'
import { configurationReference } from './reference.ts'
import { changedOptions } from './reload.ts'
import { configSchema } from './schema/index.ts'
import { isList, isSection, type OptionPath, type Schema } from './schema-types.ts'
import { hasSignInPages } from './sign-in-pages.ts'
import { formatDuration, formatSize, parseDuration, parseSize } from './units.ts'
import { validate } from './validate.ts'

test('nothing set: a server on the loopback that nobody can register on', t => {
  const { config, warnings, file, cwd } = configOf(t)
  t.is(config.serverName, 'localhost')
  t.deepEqual(config.listeners, [
    { host: '127.0.0.1', port: 8008, socketMode: '660', trustedProxies: [], adminApi: true },
  ])
  t.is(config.registration.mode, 'closed')
  t.is(config.rooms.defaultVersion, '12')
  t.deepEqual(config.federation.trustedKeyServers, [])
  t.deepEqual(config.federation.backOff, { min: 30_000, max: 86_400_000 })
  t.deepEqual(databaseLocation(config), { kind: 'sqlite', path: join(cwd, 'data/homeserver.db') })
  t.is(signingKeyPath(config), join(cwd, 'data/signing.key'))
  t.deepEqual([warnings, file], [[], undefined])
})

test('what is wrong is said with line, option and what is allowed', t => {
  const text = [
    'server_name: not a name',
    'listeners:',
    '  - port: abc',
    '    trusted_proxies: [127.0.0.1, nonsense]',
    '  - port: 70000',
    '    tls: {certificate: cert.pem}',
    'registraton: {mode: open}',
    'registration:',
    '  mode: opn',
    '  shared_secret: [1]',
    'federation:',
    '  back_off: {min: soon}',
    '  denyServers: []',
    'metrics: yes please',
    'media:',
    '  max_upload_size: 1.5',
  ].join('\n')
  t.deepEqual(
    errorsOf(t, text).toSorted(),
    [
      'homeserver.yaml:12:14: federation.back_off.min must be a duration such as 500ms, 10s, 5m, 12h, 7d or 2w, not "soon"',
      'homeserver.yaml:13:3: federation.denyServers is not an option; did you mean deny_servers?',
      'homeserver.yaml:14:1: metrics must be a section with enabled, allow_addresses, not "yes please"',
      'homeserver.yaml:16:3: media.max_upload_size must be a size such as 500K, 50M or 2G, not 1.5',
      'homeserver.yaml:1:1: server_name must be a server name such as example.org, matrix.example.org:8448 or [::1]:8448, not "not a name"',
      'homeserver.yaml:3:5: listeners[0].port must be an integer from 0 to 65535, not "abc"',
      'homeserver.yaml:4:34: listeners[0].trusted_proxies[1] must be an IP address such as 10.1.2.3 or a network such as 10.0.0.0/8, not "nonsense"',
      'homeserver.yaml:5:5: listeners[1].port must be an integer from 0 to 65535, not 70000',
      'homeserver.yaml:6:5: listeners[1].tls.key is missing; it must be a path',
      'homeserver.yaml:7:1: registraton is not an option; did you mean registration?',
      'homeserver.yaml:9:3: registration.mode must be one of closed, token, open, not "opn"',
      'homeserver.yaml:10:3: registration.shared_secret must be a text that is not empty',
    ].toSorted(),
  )
})

test('a name that resembles nothing gets the list of what there is', t => {
  t.deepEqual(errorsOf(t, 'metrics: {colour: red}'), [
    'homeserver.yaml:1:11: metrics.colour is not an option; allowed here: enabled, allow_addresses',
  ])
})

test('text that is no YAML, or no settings, is located', t => {
  t.deepEqual(errorsOf(t, 'server_name: a\nserver_name: b\n'), [
    'homeserver.yaml:2:1: Map keys must be unique',
  ])
  t.regex(errorsOf(t, 'listeners: [1,\nx')[0] ?? '', /^homeserver\.yaml:\d:\d: /)
  t.deepEqual(errorsOf(t, '- a\n'), [
    'homeserver.yaml:1:1: the file must consist of lines such as "server_name: example.org"',
  ])
  t.deepEqual(errorsOf(t, ''), [])
  t.deepEqual(errorsOf(t, Buffer.from('server_name: a\nemail: {from: J\u00fcrgen <a@a.test>}', 'latin1')), [
    'homeserver.yaml:2: the file must be text in UTF-8, and is in another encoding',
  ])
})

test('options that contradict each other, and files that are not there', t => {
  const text = [
    'listeners:',
    '  - {port: 8008}',
    '  - {port: 8008, tls: {certificate: no.pem, key: homeserver.yaml}}',
    'federation: {back_off: {min: 2d}}',
    'rooms: {default_version: "99"}',
    'passwords: {hashing: {memory: 8K, parallelism: 2}}',
    'workers: 2',
  ].join('\n')
  const { cwd, result } = load(t, text)
  t.deepEqual(result.ok ? [] : result.errors, [
    'homeserver.yaml:3:5: listeners[1] listens on the same host and port as listeners[0]',
    `homeserver.yaml:3:24: listeners[1].tls.certificate names ${cwd}/no.pem, but there is no such file`,
    'homeserver.yaml:7:1: workers must be 1, or database.url name a PostgreSQL database: SQLite belongs to one process',
    'homeserver.yaml:4:25: federation.back_off.min must not be longer than federation.back_off.max',
    'homeserver.yaml:5:9: rooms.default_version must be one of 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12',
    'homeserver.yaml:6:23: passwords.hashing.memory must be at least 16K, of which argon2 takes 8K for each thread',
  ])
  t.deepEqual(errorsOf(t, undefined, { flags: { config: '/nowhere/x.yaml' } }), [
    '/nowhere/x.yaml: there is no such file',
  ])
})

test('retired keys go by IDs of keys', t => {
  const key = '{public_key: 6yhHGKhCiXTSEN2ksjV7kX_N6rBQZ3Xb-M7LlC6NS-s, expired: "2024-09-01"}'
  t.deepEqual(errorsOf(t, `retired_signing_keys: {"ed25519:a_1": ${key}}`), [])
  t.deepEqual(errorsOf(t, `retired_signing_keys: {a_1: ${key}}`), [
    'homeserver.yaml:1:24: retired_signing_keys.a_1 must have an ID such as ed25519:a_old',
  ])
})

test('warnings: plain HTTP for everybody, open registration', t => {
  const text = 'listeners: [{host: 0.0.0.0}]\nregistration: {mode: open}\nguests: {enabled: false}'
  const { warnings } = configOf(t, text)
  t.is(warnings.length, 2)
  t.regex(warnings[0] ?? '', /^listeners\[0\] serves plain HTTP on 0\.0\.0\.0/)
  t.regex(warnings[1] ?? '', /^registration\.mode is open/)
  t.deepEqual(configOf(t, 'listeners: [{host: "::", trusted_proxies: ["::1"]}]').warnings, [])
})

test('a duration without a unit is hardly meant as it counts', t => {
  const text =
    'retention: {default_lifetime: 365, shortest_lifetime: 0}\nturn: {lifetime: "3600"}\nmedia: {remote_lifetime: 7d}'
  t.deepEqual(configOf(t, text).warnings, [
    'retention.default_lifetime is 365ms: a number without a unit counts milliseconds',
    'turn.lifetime is 3600ms: a number without a unit counts milliseconds',
  ])
})

test('nobody is sent to pages of a server that has no address of its own', t => {
  const at = (url: string) => configOf(t, `server_name: example.org\npublic_base_url: ${url}`)
  t.deepEqual(at('https://example.org').warnings, [])
  t.deepEqual(at('https://example.org/').warnings, [])
  const below = at('https://example.org/chat')
  t.regex(below.warnings[0] ?? '', /^public_base_url has a path/)
  t.false(hasSignInPages(below.config))
  t.true(hasSignInPages(at('https://example.org/').config))
})

test('every default and every example of the schema is valid', t => {
  const visit = (schema: Schema, path: OptionPath): void => {
    const samples = [
      ...(schema.examples ?? []),
      ...(isSection(schema) || schema.default === undefined ? [] : [schema.default]),
    ]
    for (const sample of samples) {
      const problems = validate(configSchema, withValue({}, path, sample))
      t.deepEqual(
        problems.filter(({ message }) => !message.startsWith('is missing')),
        [],
        environmentName(path),
      )
    }
    if (isSection(schema))
      for (const [name, child] of Object.entries(schema.properties)) visit(child, [...path, name])
    if (isList(schema)) visit(schema.items, [...path, 0])
  }
  visit(configSchema, [])
})

test('every bucket that the API names has a limit', t => {
  t.deepEqual(
    Object.keys(rateLimitsOf(defaultConfig('/'))).toSorted(),
    [...RATE_LIMIT_BUCKETS, 'ip', 'invited', 'wrong-password'].toSorted(),
  )
})

test('the manual is fresh', t => {
  const written = readFileSync(new URL('../../docs/configuration.md', import.meta.url), 'utf8')
  t.is(written, configurationReference(), 'run: npx node scripts/config-docs.ts')
})

test('units', t => {
  t.deepEqual(['500ms', '10s', '5m', '12 h', '7d', '2w', '17', 'm', '1.5h', '10x'].map(parseDuration), [
    500,
    10_000,
    300_000,
    43_200_000,
    604_800_000,
    1_209_600_000,
    17,
    undefined,
    undefined,
    undefined,
  ])
  t.deepEqual(['17', '500K', '50M', '2 GiB', '3MB', 'x', '99999999999G'].map(parseSize), [
    17,
    512_000,
    52_428_800,
    2_147_483_648,
    3_145_728,
    undefined,
    undefined,
  ])
  t.deepEqual([0, 1500, 90_000, 86_400_000].map(formatDuration), ['0', '1500ms', '90s', '1d'])
  t.deepEqual([0, 1000, 1024, 19 * 1024 ** 2].map(formatSize), ['0', '1000', '1K', '19M'])
})

test('did you mean', t => {
  const names = ['server_name', 'registration', 'federation', 'port', 'host']
  t.is(didYouMean('registraton', names), 'registration')
  t.is(didYouMean('serverName', names), 'server_name')
  t.is(didYouMean('prot', names), 'port')
  t.is(didYouMean('colour', names), undefined)
})

test('a change is either read at once or needs a restart', t => {
  const before = defaultConfig('/')
  const { config } = configOf(
    t,
    'logging: {level: debug, format: json}\nrate_limits: {buckets: {login: {burst: 99}}}',
  )
  const now = { ...config, dataDirectory: before.dataDirectory }
  t.deepEqual(changedOptions(before, now), {
    live: ['rate_limits.buckets.login.burst', 'logging.level'],
    restart: ['logging.format'],
  })
  t.deepEqual(changedOptions(before, before), { live: [], restart: [] })
})

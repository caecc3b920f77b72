import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import { parse } from 'yaml'
import { RATE_LIMIT_BUCKETS } from '../spec/operation.ts'
import { temporaryDirectory } from '../test-kit/temporary-directory.ts'
import { environmentName } from './assignments.ts'
import { complete } from './complete.ts'
import { didYouMean } from './did-you-mean.ts'
import { defaultConfig, type LoadOptions, loadConfig } from './load.ts'
import { databaseLocation, rateLimitsOf, signingKeyPath } from './locations.ts'
import { withValue } from './merge.ts'
import { effectiveConfigText, masked } from './print.ts'
import { configurationReference } from './reference.ts'
import { changedOptions } from './reload.ts'
import { configSchema } from './schema/index.ts'
import { isList, isSection, type OptionPath, type Schema } from './schema-types.ts'
import { settingsTemplate } from './template.ts'
import { formatDuration, formatSize, parseDuration, parseSize } from './units.ts'
import { validate } from './validate.ts'

/** Loads settings from a file with this text, in a directory of its own. */
const load = (t: ExecutionContext, text?: string, options: Partial<LoadOptions> = {}) => {
  const cwd = temporaryDirectory(t)
  if (text !== undefined) writeFileSync(join(cwd, 'homeserver.yaml'), text)
  return { cwd, result: loadConfig({ env: {}, cwd, ...options }) }
}

const errorsOf = (
  t: ExecutionContext,
  text?: string,
  options: Partial<LoadOptions> = {},
): readonly string[] => {
  const { result } = load(t, text, options)
  return result.ok ? [] : result.errors
}

const configOf = (t: ExecutionContext, text?: string, options: Partial<LoadOptions> = {}) => {
  const { cwd, result } = load(t, text, options)
  if (!result.ok) throw new Error(result.errors.join('\n'))
  return { cwd, ...result }
}

test('nothing set: a server on the loopback that nobody can register on', t => {
  const { config, warnings, file, cwd } = configOf(t)
  t.is(config.serverName, 'localhost')
  t.deepEqual(config.listeners, [{ host: '127.0.0.1', port: 8008, trustedProxies: [] }])
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
})

test('options that contradict each other, and files that are not there', t => {
  const text = [
    'listeners:',
    '  - {port: 8008}',
    '  - {port: 8008, tls: {certificate: no.pem, key: homeserver.yaml}}',
    'federation: {back_off: {min: 2d}}',
    'rooms: {default_version: "99"}',
  ].join('\n')
  const { cwd, result } = load(t, text)
  t.deepEqual(result.ok ? [] : result.errors, [
    'homeserver.yaml:3:5: listeners[1] listens on the same host and port as listeners[0]',
    `homeserver.yaml:3:24: listeners[1].tls.certificate names ${cwd}/no.pem, but there is no such file`,
    'homeserver.yaml:4:25: federation.back_off.min must not be longer than federation.back_off.max',
    'homeserver.yaml:5:9: rooms.default_version must be one of 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12',
  ])
  t.deepEqual(errorsOf(t, undefined, { flags: { config: '/nowhere/x.yaml' } }), [
    '/nowhere/x.yaml: there is no such file',
  ])
})

test('flags before environment before file before default', t => {
  const file =
    'server_name: file.example\nlogging: {level: debug}\npasswords: {min_length: 9}\nlisteners: [{port: 1}]'
  const env = {
    TESSERA__SERVER_NAME: 'env.example',
    TESSERA__LOGGING__LEVEL: 'warn',
    TESSERA__LISTENERS__0__PORT: '3',
    PORT: '2',
    TESSERA__REGISTRATION__MODE: '',
  }
  const flags = { serverName: 'flag.example', set: ['rooms.default_version=11'] }
  const { config, sources } = configOf(t, file, { env, flags })
  t.is(config.serverName, 'flag.example')
  t.is(config.logging.level, 'warn')
  t.is(config.passwords.minLength, 9)
  t.is(config.registration.mode, 'closed', 'an empty variable counts as not set')
  t.is(config.rooms.defaultVersion, '11')
  t.is(config.listeners[0]?.port, 3, 'the variable of the option counts more than PORT')
  t.deepEqual(Object.fromEntries(sources), {
    server_name: '--server-name',
    'logging.level': 'TESSERA__LOGGING__LEVEL',
    'passwords.min_length': 'homeserver.yaml:3:13',
    'listeners[0].port': 'TESSERA__LISTENERS__0__PORT',
    'rooms.default_version': '--set rooms.default_version',
  })
  t.is(configOf(t, file, { env, flags: { port: '4' } }).config.listeners[0]?.port, 4)
})

test('variables: lists, sections, secrets, and errors that name the variable', t => {
  const { config } = configOf(t, undefined, {
    env: {
      TESSERA__FEDERATION__DENY_ADDRESSES: '[]',
      TESSERA__FEDERATION__DENY_SERVERS: 'a.example, *.b.example',
      TESSERA__FEDERATION__HOSTS: '{a.example: ["127.0.0.1:8449"]}',
      TESSERA__RATE_LIMITS__BUCKETS__CREATE_ROOM__BURST: '3',
      TESSERA__RATE_LIMITS__BUCKETS__LOGIN__ENABLED: 'false',
      TESSERA__DATABASE__URL: 'postgres://u:p@host/db',
    },
  })
  t.deepEqual(config.federation.denyAddresses, [])
  t.deepEqual(config.federation.denyServers, ['a.example', '*.b.example'])
  t.deepEqual(config.federation.hosts, { 'a.example': ['127.0.0.1:8449'] })
  t.like(rateLimitsOf(config), { login: false, 'create-room': { perSecond: 0.1, burst: 3 } })
  t.deepEqual(databaseLocation(config), {
    kind: 'postgres',
    url: 'postgres://u:p@host/db',
    poolSize: 10,
  })
  t.deepEqual(
    errorsOf(t, undefined, {
      env: {
        TESSERA__METRICS__ENABLD: 'true',
        TESSERA__METRICS__ENABLED: 'yes',
        TESSERA__LISTENERS__0__PORT: 'x',
      },
      flags: { set: ['nonsense', 'logging.levl=info'] },
    }),
    [
      'TESSERA__METRICS__ENABLD: is not an option; did you mean ENABLED?',
      '--set nonsense: write --set section.option=value',
      '--set logging.levl: is not an option; did you mean level?',
      'TESSERA__LISTENERS__0__PORT: listeners[0].port must be an integer from 0 to 65535, not "x"',
      'TESSERA__METRICS__ENABLED: metrics.enabled must be true or false, not "yes"',
    ],
  )
})

test('rate limits are off together by one switch', t => {
  const { config } = configOf(t, 'rate_limits: {enabled: false}')
  t.true(Object.values(rateLimitsOf(config)).every(limit => limit === false))
})

test('PORT and HOST; but not a HOST that some shell exported', t => {
  t.like(configOf(t, undefined, { env: { PORT: '9000', HOST: '0.0.0.0' } }).config.listeners[0], {
    port: 9000,
    host: '0.0.0.0',
  })
  const { config, warnings } = configOf(t, undefined, { env: { HOST: 'x86_64-conda-linux-gnu' } })
  t.is(config.listeners[0]?.host, '127.0.0.1')
  t.deepEqual(warnings, ['HOST is ignored, because it is not an IP address: x86_64-conda-linux-gnu'])
})

test('secrets from files of their own', t => {
  const cwd = temporaryDirectory(t)
  const read = (text: string, env: Record<string, string> = {}) => {
    writeFileSync(join(cwd, 'homeserver.yaml'), text)
    return loadConfig({ env, cwd })
  }
  writeFileSync(join(cwd, 'secret'), 'from a file\n')
  const file = 'registration: {shared_secret_file: secret}'
  const plain = read(file)
  t.is(plain.ok && plain.config.registration.sharedSecret, 'from a file')
  const byVariable = read(file, { TESSERA__DATABASE__URL_FILE: 'secret' })
  t.deepEqual(byVariable.ok || byVariable.errors, [
    'TESSERA__DATABASE__URL_FILE: database.url must be sqlite: and a file, or a URL such as postgres://user:password@host/database',
  ])
  const both = read('registration:\n  shared_secret: x\n  shared_secret_file: secret', {
    TESSERA__DATABASE__URL_FILE: 'nowhere',
  })
  t.deepEqual(both.ok || both.errors, [
    'homeserver.yaml:3:3: registration.shared_secret_file and shared_secret cannot both be set',
    `TESSERA__DATABASE__URL_FILE: database.url_file names ${cwd}/nowhere, but there is no such file`,
  ])
})

test('paths start from the file that names them, or from the working directory', t => {
  const cwd = temporaryDirectory(t)
  mkdirSync(join(cwd, 'data'))
  writeFileSync(join(cwd, 'cert.pem'), '')
  writeFileSync(
    join(cwd, 'data', 'homeserver.yaml'),
    'data_directory: .\nlisteners: [{tls: {certificate: ../cert.pem, key: ../cert.pem}}]',
  )
  const found = loadConfig({ env: { TESSERA__SIGNING_KEY_FILE: 'my.key' }, cwd })
  t.is(found.ok && found.config.dataDirectory, join(cwd, 'data'), 'data/homeserver.yaml is found by itself')
  t.is(found.ok && found.config.listeners[0]?.tls?.key, join(cwd, 'cert.pem'))
  t.is(found.ok && found.config.signingKeyFile, join(cwd, 'my.key'))
  const other = loadConfig({ env: {}, cwd, flags: { data: 'other' } })
  t.is(other.ok && other.file, undefined, 'another data directory, another server')
  t.is(other.ok && other.config.dataDirectory, join(cwd, 'other'))
})

test('warnings: plain HTTP for everybody, open registration', t => {
  const text = 'listeners: [{host: 0.0.0.0}]\nregistration: {mode: open}\nguests: {enabled: false}'
  const { warnings } = configOf(t, text)
  t.is(warnings.length, 2)
  t.regex(warnings[0] ?? '', /^listeners\[0\] serves plain HTTP on 0\.0\.0\.0/)
  t.regex(warnings[1] ?? '', /^registration\.mode is open/)
  t.deepEqual(configOf(t, 'listeners: [{host: "::", trusted_proxies: ["::1"]}]').warnings, [])
})

test('the settings in effect are printed with their sources and without secrets', t => {
  const { config, sources } = configOf(
    t,
    'registration: {shared_secret: hunter2}\ndatabase: {url: "postgres://u:hunter2@h/d?password=hunter2"}',
    { env: { TESSERA__FEDERATION__BACK_OFF__MIN: '90s' } },
  )
  const text = effectiveConfigText(config, sources)
  t.false(text.includes('hunter2'))
  t.regex(text, /shared_secret: "?\*{8}"? # homeserver\.yaml:1:16/)
  t.regex(text, /url: postgres:\/\/u:\*{8}@h\/d\?password=\*{8} # homeserver\.yaml:2:12/)
  t.regex(text, /min: 90s # TESSERA__FEDERATION__BACK_OFF__MIN/)
  t.is(parse(text).federation.back_off.max, '1d')
  t.is(masked('sqlite:homeserver.db'), 'sqlite:homeserver.db')
})

test('what is printed is a settings file that means the same', t => {
  const { config, cwd } = configOf(t, 'listeners: [{port: 1}, {port: 2}]\nmedia: {max_upload_size: 3G}')
  t.deepEqual(complete(configSchema, parse(effectiveConfigText(config)), cwd), config)
})

test('the settings file of a first start sets what is given, and every line in it can be uncommented', t => {
  const text = settingsTemplate({ server_name: 'a.example', data_directory: '.' })
  const { config } = configOf(t, text)
  t.is(config.serverName, 'a.example')
  t.deepEqual(
    { ...config, serverName: 'localhost' },
    defaultConfig(config.dataDirectory, { data_directory: '.' }),
  )
  const uncommented = text.replace(/^( *)# ([a-z][a-z-]*(?:_[a-z]+)*:(?: .*)?| {2,}.*)$/gm, '$1$2')
  t.deepEqual(validate(configSchema, parse(uncommented)), [])
  t.is(parse(uncommented).rate_limits.buckets.login.burst, 10)
  t.is(parse(uncommented).listeners[0].port, 8008)
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
    [...RATE_LIMIT_BUCKETS, 'ip'].toSorted(),
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

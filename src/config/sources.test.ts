import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import test from 'ava'
import { parse } from 'yaml'
import { configOf, errorsOf } from '../test-kit/config-texts.ts'
import { temporaryDirectory } from '../test-kit/temporary-directory.ts'
import { complete } from './complete.ts'
import { defaultConfig, loadConfig } from './load.ts'
import { databaseLocation, rateLimitsOf } from './locations.ts'
import { effectiveConfigText, masked } from './print.ts'
import { configSchema } from './schema/index.ts'
import { settingsTemplate } from './template.ts'
import { validate } from './validate.ts'

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
  for (const name of ['listeners[0].port', 'listeners.0.port'])
    t.is(configOf(t, file, { env, flags: { set: [`${name}=5`] } }).config.listeners[0]?.port, 5, name)
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
    'TESSERA__DATABASE__URL_FILE: database.url must be sqlite: and a file, or a URL such as postgres://user:password@host/database (in a password write %23 for #, %2F for /, %3F for ?)',
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

test('the proxy that the machine is told of, where the settings name none', t => {
  const env = { HTTPS_PROXY: 'proxy.example:3128', no_proxy: 'example.org, 10.0.0.0/8,<local>' }
  const found = configOf(t, undefined, { env })
  t.like(found.config.outboundProxy, {
    url: 'http://proxy.example:3128',
    bypass: ['example.org', '10.0.0.0/8'],
    resolveNames: 'proxy',
  })
  t.deepEqual(found.warnings, ['<local> in NO_PROXY is ignored, because it is no host'])
  const named = configOf(t, 'outbound_proxy: {url: "https://a:b@own.example", bypass: []}', { env })
  t.like(named.config.outboundProxy, { url: 'https://a:b@own.example', bypass: [] })
  t.true(effectiveConfigText(named.config).includes('https://a:********@own.example'))
  const socks = configOf(t, undefined, { env: { https_proxy: 'socks5://proxy.example' } })
  t.is(socks.config.outboundProxy.url, undefined)
  t.is(socks.warnings.length, 1)
  t.deepEqual(errorsOf(t, 'outbound_proxy: {url: "socks5://x", bypass: ["10.0.0.0/33"]}').length, 2)
})

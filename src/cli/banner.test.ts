import test from 'ava'
import { defaultConfig } from '../config/load.ts'
import { type BannerFacts, banner, firstStartBanner } from './banner.ts'

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

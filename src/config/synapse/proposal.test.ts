import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import test from 'ava'
import { parse } from 'yaml'
import { temporaryDirectory } from '../../test-kit/temporary-directory.ts'
import { loadConfig } from '../load.ts'
import { configSchema } from '../schema/index.ts'
import { schemaAt } from '../schema-types.ts'
import { COUNTERPARTS } from './counterparts.ts'
import { proposedSettings } from './proposal.ts'

const proposed = (tree: Record<string, unknown>): string => proposedSettings({ directory: '/', tree })

test('every counterpart is an option of ours', t => {
  for (const { theirs, ours } of COUNTERPARTS)
    t.not(schemaAt(configSchema, ours.split('.')), undefined, `${theirs}: ${ours}`)
})

test('settings of Synapse are said in our words, and are right', t => {
  const text = proposed({
    server_name: 'a.test',
    public_baseurl: 'https://matrix.a.test/',
    listeners: [
      { port: 8008, type: 'http', bind_addresses: ['::1', '127.0.0.1'], x_forwarded: true, resources: [] },
      { port: 9000, type: 'manhole' },
    ],
    enable_registration: true,
    registration_requires_token: true,
    password_config: { pepper: 'salt', policy: { minimum_length: 12 } },
    old_signing_keys: {
      'ed25519:old': { key: '6yhHGKhCiXTSEN2ksjV7kX/N6rBQZ3Xb+M7LlC6NS+s', expired_ts: 1_700_000_000_000 },
    },
    oidc_providers: [
      {
        ...{ idp_id: 'company', idp_name: 'Company', issuer: 'https://sso.a.test', client_id: 'synapse' },
        ...{ client_secret: 's', scopes: ['openid'], user_mapping_provider: {} },
      },
    ],
    encryption_enabled_by_default_for_room_type: 'invite',
    max_upload_size: '100M',
    require_auth_for_profile_requests: true,
    turn_user_lifetime: 86_400_000,
    default_room_version: 11,
    url_preview_enabled: 'perhaps',
    app_service_config_files: ['/a.yaml'],
    modules: [],
    report_stats: false,
  })
  t.deepEqual(parse(text), {
    server_name: 'a.test',
    public_base_url: 'https://matrix.a.test/',
    retired_signing_keys: {
      'ed25519:old': {
        public_key: '6yhHGKhCiXTSEN2ksjV7kX/N6rBQZ3Xb+M7LlC6NS+s',
        expired: '2023-11-14T22:13:20Z',
      },
    },
    registration: { mode: 'token' },
    passwords: { min_length: 12, bcrypt_pepper: 'salt' },
    sign_in: {
      providers: [
        {
          ...{ id: 'company', name: 'Company', issuer: 'https://sso.a.test', client_id: 'synapse' },
          ...{ client_secret: 's', scopes: ['openid'] },
        },
      ],
    },
    rooms: { default_version: '11', encrypted_by_default: 'private' },
    profiles: { visible_to: 'users' },
    media: { max_upload_size: '100M' },
    turn: { lifetime: 86_400_000 },
    listeners: [{ host: '::1', port: 8008, trusted_proxies: ['127.0.0.1', '::1'] }],
  })
  t.regex(text, /# Said in a way that is not possible here, and so left out: url_preview_enabled\n/)
  t.regex(text, /# Not looked at; .*: app_service_config_files, modules\n/)
  t.regex(text, /application_services\.directory/)
  const directory = temporaryDirectory(t)
  writeFileSync(join(directory, 'homeserver.yaml'), text)
  const loaded = loadConfig({ flags: {}, env: {}, cwd: directory })
  t.true(loaded.ok, loaded.ok ? '' : loaded.errors.join('\n'))
})

import test from 'ava'
import { AccessTokenReader } from '../../storage/accounts/access-tokens.ts'
import { DeviceReader } from '../../storage/accounts/devices.ts'
import { ProfileReader } from '../../storage/accounts/profiles.ts'
import { ProviderAccountReader } from '../../storage/accounts/provider-accounts.ts'
import { RegistrationTokenReader } from '../../storage/accounts/registration-tokens.ts'
import { ThirdPartyIdReader } from '../../storage/accounts/third-party-ids.ts'
import { imported, testImports } from '../../test-kit/synapse.ts'
import { hashToken } from '../accounts/secrets.ts'
import { bindings, emails, externalIds, registrationTokens } from './contacts.ts'
import { accessTokens, devices, refreshTokens } from './sessions.ts'
import { users } from './users.ts'

const ANN = '@ann:a.test'
const PLAIN = { password_hash: null, creation_ts: 1, admin: 0, is_guest: 0, deactivated: 0 }

testImports(test, 'profiles come over, with fields of their own', async (t, db, open, config) => {
  const fields = { 'm.tz': 'Europe/Berlin', 'org.example.a': [1, { b: null }], 'No Name': 1 }
  const source = await open({
    users: [
      { ...PLAIN, name: ANN },
      { ...PLAIN, name: '@ben:a.test' },
    ],
    profiles: [
      {
        full_user_id: ANN,
        displayname: 'Ann\u2028é😀',
        avatar_url: 'mxc://a.test/x',
        fields: JSON.stringify(fields),
      },
    ],
  })
  const { came, left } = await imported({ db, source, config }, [users])
  t.deepEqual(came, { accounts: 2 })
  t.deepEqual(Object.values(left), [1])
  const reader = new ProfileReader(db)
  const { 'No Name': _, ...kept } = fields
  t.like(await reader.byUser(ANN), { displayname: 'Ann\u2028é😀', avatarUrl: 'mxc://a.test/x', fields: kept })
  t.like(await reader.byUser('@ben:a.test'), { displayname: undefined, fields: {} })
})

testImports(
  test,
  'addresses, accounts elsewhere and registration tokens come over',
  async (t, db, open, config) => {
    const threepid = { user_id: ANN, medium: 'email', validated_at: 1, added_at: 2 }
    const source = await open({
      user_threepids: [
        { ...threepid, address: 'Ann@Example.org' },
        { ...threepid, address: 'ann@example.org' },
        { ...threepid, address: 'nothing' },
        { ...threepid, medium: 'msisdn', address: '4912345' },
        { ...threepid, medium: 'msisdn', address: 'none' },
      ],
      user_threepid_id_server: [
        { user_id: ANN, medium: 'email', address: 'ann@example.org', id_server: 'id.test' },
      ],
      user_external_ids: [
        { auth_provider: 'oidc-company', external_id: 's1', user_id: ANN },
        { auth_provider: 'oidc', external_id: 's2', user_id: ANN },
        { auth_provider: 'oidc-company', external_id: 's3', user_id: ANN },
        { auth_provider: 'saml', external_id: 'x'.repeat(256), user_id: ANN },
      ],
      registration_tokens: [
        { token: 'tea', uses_allowed: 3, pending: 1, completed: 2, expiry_time: null },
        { token: 'old', uses_allowed: null, pending: 0, completed: 0, expiry_time: 4 },
      ],
    })
    const { came, left } = await imported({ db, source, config }, [
      ...[emails, bindings, externalIds, registrationTokens],
    ])
    t.deepEqual(came, {
      'e-mail addresses': 1,
      'telephone numbers': 1,
      'bindings at identity servers': 1,
      'accounts elsewhere, of the provider company': 1,
      'accounts elsewhere, of the provider oidc': 1,
      'registration tokens': 2,
    })
    t.deepEqual(Object.values(left), [1, 1, 1, 1, 1])
    const threepids = new ThirdPartyIdReader(db)
    t.is(await threepids.owner({ medium: 'email', address: 'ann@example.org' }), ANN)
    t.is(await threepids.owner({ medium: 'msisdn', address: '4912345' }), ANN)
    t.deepEqual(
      (await threepids.bindings(ANN)).map(each => ({ ...each })),
      [{ medium: 'email', address: 'ann@example.org', idServer: 'id.test' }],
    )
    const providers = new ProviderAccountReader(db)
    t.is(await providers.owner({ provider: 'company', subject: 's1' }), ANN)
    const tokens = new RegistrationTokenReader(db)
    t.like(await tokens.byToken('tea', 5), { usesAllowed: 3, completed: 2, pending: 0, expiresTs: undefined })
    t.like(await tokens.byToken('old', 5), { usesAllowed: undefined, expiresTs: 4 })
  },
)

testImports(test, 'people stay logged in', async (t, db, open, config) => {
  const device = { user_id: ANN, last_seen: 3, ip: '::1', user_agent: 'web', hidden: false }
  const token = { user_id: ANN, device_id: 'PHONE', valid_until_ms: null, puppets_user_id: null }
  const none = { refresh_token_id: null, used: false }
  const refresh = { user_id: ANN, device_id: 'PAIR', next_token_id: null, expiry_ts: 90 }
  const source = await open({
    users: [ANN, '@ben:a.test'].map(name => ({ ...PLAIN, name, admin: 1 })),
    devices: [
      { ...device, device_id: 'PHONE', display_name: 'Phone' },
      { ...device, device_id: 'KEY', display_name: 'master', hidden: true },
      { ...device, device_id: 'PAIR', display_name: null, hidden: null },
    ],
    access_tokens: [
      { ...token, ...none, id: 1, token: 'syt_forever' },
      { ...token, ...none, id: 2, token: 'expired', valid_until_ms: 4 },
      { ...token, ...none, id: 3, token: 'acting', device_id: null, puppets_user_id: '@ben:a.test' },
      {
        ...token,
        id: 4,
        token: 'first',
        device_id: 'PAIR',
        refresh_token_id: 1,
        valid_until_ms: 4,
        used: true,
      },
      {
        ...token,
        id: 5,
        token: 'second',
        device_id: 'PAIR',
        refresh_token_id: 2,
        valid_until_ms: 9,
        used: false,
      },
      { ...token, ...none, id: 6, token: 'lost', device_id: 'LOST' },
    ],
    refresh_tokens: [
      { ...refresh, id: 1, token: 'syr_first', next_token_id: 2, ultimate_session_expiry_ts: null },
      { ...refresh, id: 2, token: 'syr_second', ultimate_session_expiry_ts: 50 },
      {
        ...refresh,
        id: 3,
        token: 'syr_alone',
        device_id: 'PHONE',
        expiry_ts: null,
        ultimate_session_expiry_ts: null,
      },
    ],
  })
  const { came, left } = await imported({ db, source, config }, [users, devices, accessTokens, refreshTokens])
  t.like(came, { devices: 2, 'sessions (access tokens)': 5, 'sessions (refresh tokens alone)': 1 })
  t.deepEqual(left, { 'sessions that have expired': 1 })
  const reader = new DeviceReader(db)
  t.deepEqual(await reader.ids(ANN), ['PAIR', 'PHONE', 'LOST'])
  t.like(await reader.byId(ANN, 'PHONE'), { displayName: 'Phone', lastSeenTs: 3, lastSeenIp: '::1' })
  const owners = new AccessTokenReader(db)
  t.like(await owners.owner(hashToken('syt_forever')), {
    userId: ANN,
    deviceId: 'PHONE',
    expiresTs: undefined,
  })
  t.like(await owners.owner(hashToken('acting')), { userId: '@ben:a.test', deviceId: '' })
  t.deepEqual(await owners.actedAs(ANN), ['@ben:a.test'])
  t.like(await owners.owner(hashToken('second')), { supersedes: hashToken('first'), expiresTs: 9 })
  t.like(await owners.byRefresh(hashToken('syr_second')), { refreshExpiresTs: 50, deviceId: 'PAIR' })
  t.like(await owners.byRefresh(hashToken('syr_first')), {
    tokenHash: hashToken('first'),
    supersedes: undefined,
  })
  t.like(await owners.byRefresh(hashToken('syr_alone')), { deviceId: 'PHONE', refreshExpiresTs: undefined })
})

import test from 'ava'
import { AccessTokenReader } from '../../../storage/accounts/access-tokens.ts'
import { DeviceReader } from '../../../storage/accounts/devices.ts'
import { ProviderAccountReader } from '../../../storage/accounts/provider-accounts.ts'
import { ThirdPartyIdReader } from '../../../storage/accounts/third-party-ids.ts'
import { UserReader } from '../../../storage/accounts/users.ts'
import { markImport } from '../../../storage/synapse/mark.ts'
import { openMas } from '../../../storage/synapse/mas.ts'
import { testPostgres } from '../../../test-kit/database.ts'
import { makeMas, uuid } from '../../../test-kit/mas.ts'
import { openMadeUpSynapse, testImports } from '../../../test-kit/synapse.ts'
import type { SynapseRows } from '../../../test-kit/synapse-tables.ts'
import { hashToken } from '../../accounts/secrets.ts'
import { runImport } from '../run.ts'
import { importSteps } from '../steps.ts'

const [ANN, BEN, CAT] = ['@ann:a.test', '@ben:a.test', '@cat:a.test'] as const
const [EVE, FAY] = ['@eve:a.test', '@fay:a.test'] as const
const PLAIN = { creation_ts: 1, admin: 0, is_guest: 0, deactivated: 0 }
const OLD_HASH = `$2b$12$${'a'.repeat(53)}`
const NEW_HASH = '$argon2id$v=19$m=19456,t=2,p=1$c2FsdHNhbHQ$aGFzaGhhc2g'
const AT = '2026-01-02T03:04:05.678Z'

/** What Synapse still has of before, and nobody keeps up to date any more. */
const SYNAPSE: SynapseRows = {
  users: [
    { ...PLAIN, name: ANN, password_hash: OLD_HASH, admin: 1 },
    { ...PLAIN, name: BEN, password_hash: OLD_HASH },
    { ...PLAIN, name: CAT, password_hash: OLD_HASH, deactivated: 1 },
    { ...PLAIN, name: EVE, password_hash: null },
    { ...PLAIN, name: FAY, password_hash: null },
  ],
  user_threepids: [{ user_id: ANN, medium: 'email', address: 'old@a.test', validated_at: 1, added_at: 1 }],
  user_external_ids: [{ auth_provider: 'oidc-old', external_id: 's', user_id: ANN }],
  access_tokens: [{ id: 1, user_id: ANN, device_id: 'OLD', token: 'syt_ended', used: true }],
  refresh_tokens: [{ id: 1, user_id: ANN, device_id: 'OLD', token: 'syr_ended' }],
}

/** The steps that are about accounts. */
const accounts = importSteps.slice(
  0,
  importSteps.findIndex(({ name }) => name === 'device keys'),
)

testPostgres(
  test,
  'what a Matrix Authentication Service has comes over from there',
  async (t, db, config) => {
    const user = (n: number, username: string, more = {}) => ({
      ...{ user_id: uuid(n), username, created_at: AT, can_request_admin: false },
      ...more,
    })
    const password = (n: number, of: number, hashed_password: string, created_at = AT) => ({
      ...{ user_password_id: uuid(n), user_id: uuid(of), hashed_password, version: 1, created_at },
    })
    const session = (n: number, of: number, device_id: string | null, finished_at: string | null = null) => ({
      ...{ compat_session_id: uuid(n), user_id: uuid(of), device_id, created_at: AT, finished_at },
    })
    const token = (n: number, of: number, access_token: string, expires_at: string | null = null) => ({
      ...{
        compat_access_token_id: uuid(n),
        compat_session_id: uuid(of),
        access_token,
        created_at: AT,
        expires_at,
      },
    })
    const refresh = (n: number, of: number, refresh_token: string, consumed_at: string | null) => ({
      ...{ compat_refresh_token_id: uuid(n), compat_session_id: uuid(1), compat_access_token_id: uuid(of) },
      ...{ refresh_token, consumed_at, created_at: AT },
    })
    const url = await makeMas(config, {
      users: [
        user(1, 'ann'),
        user(2, 'ben', { locked_at: AT, can_request_admin: true }),
        user(3, 'cat'),
        user(4, 'dan'),
        user(5, 'eve'),
        user(6, 'fay'),
      ],
      user_passwords: [
        password(1, 1, NEW_HASH),
        password(2, 1, OLD_HASH, '2025-01-01T00:00:00Z'),
        password(3, 2, '$pbkdf2-sha256$i=600000$x$y'),
        password(4, 3, NEW_HASH),
      ],
      user_emails: [{ user_email_id: uuid(1), user_id: uuid(1), email: 'Ann@A.test', created_at: AT }],
      upstream_oauth_providers: [
        { upstream_oauth_provider_id: uuid(1), issuer: 'https://sso.test/', client_id: 'mas' },
        { upstream_oauth_provider_id: uuid(2), issuer: 'https://gone.test', client_id: 'mas' },
      ],
      upstream_oauth_links: [
        {
          ...{ upstream_oauth_link_id: uuid(1), upstream_oauth_provider_id: uuid(1) },
          ...{ user_id: uuid(1), subject: 'sub', created_at: AT },
        },
        {
          ...{ upstream_oauth_link_id: uuid(2), upstream_oauth_provider_id: uuid(2) },
          ...{ user_id: uuid(1), subject: 'sub', created_at: AT },
        },
      ],
      compat_sessions: [
        ...[session(1, 1, 'PHONE'), session(2, 1, 'GONE', AT), session(3, 2, null)],
        { ...session(4, 5, 'BOT'), is_synapse_admin: true },
        { ...session(5, 6, 'BOT', AT), is_synapse_admin: true },
      ],
      compat_access_tokens: [
        token(1, 1, 'mct_phone', '1970-01-01T00:00:00.003Z'),
        token(2, 2, 'mct_gone'),
        token(3, 3, 'mct_bot'),
        token(4, 3, 'mct_expired', '1970-01-01T00:00:00Z'),
      ],
      compat_refresh_tokens: [refresh(1, 1, 'mcr_phone', null), refresh(2, 4, 'mcr_used', AT)],
      oauth2_sessions: [
        { oauth2_session_id: uuid(1), user_id: uuid(1), finished_at: null },
        { oauth2_session_id: uuid(2), user_id: uuid(1), finished_at: AT },
      ],
      personal_access_tokens: [
        { personal_access_token_id: uuid(1), revoked_at: null },
        { personal_access_token_id: uuid(2), revoked_at: AT },
      ],
    })
    const source = await openMadeUpSynapse(t, config, SYNAPSE)
    const mas = await openMas(url)
    t.teardown(() => mas.close())
    await markImport(config, 'synapse a.test')
    const providers = [{ id: 'company', issuer: 'https://sso.test' }]
    const { came, left } = await runImport(accounts, {
      source,
      mas,
      providers,
      db,
      serverName: 'a.test',
      now: 5,
    })
    t.like(Object.fromEntries(came), {
      'passwords of the Matrix Authentication Service': 2,
      'e-mail addresses': 1,
      'accounts elsewhere, of the provider company': 1,
      'sessions (access tokens)': 2,
    })
    t.deepEqual(Object.values(Object.fromEntries(left)), [1, 1, 1, 1, 1, 1, 1, 1, 1, 1])

    const reader = new UserReader(db)
    t.like(await reader.byId(ANN), { passwordHash: NEW_HASH, isAdmin: false, isLocked: false })
    t.like(await reader.byId(BEN), { passwordHash: undefined, isAdmin: true, isLocked: true })
    t.is((await reader.byId(CAT))?.passwordHash, undefined, 'who is gone stays so')
    t.true((await reader.byId(EVE))?.isAdmin, 'a bot whose token administers')
    t.false((await reader.byId(FAY))?.isAdmin, 'of a session that was ended')
    t.is(await reader.byId('@dan:a.test'), undefined)
    const threepids = new ThirdPartyIdReader(db)
    const validatedTs = Date.parse(AT)
    t.deepEqual(await threepids.byUser(ANN), [
      { medium: 'email', address: 'ann@a.test', validatedTs, addedTs: validatedTs },
    ])
    t.deepEqual(await new ProviderAccountReader(db).ofUser(ANN), [{ provider: 'company', subject: 'sub' }])
    const tokens = new AccessTokenReader(db)
    t.like(await tokens.byRefresh(hashToken('mcr_phone')), { userId: ANN, deviceId: 'PHONE' })
    t.like(await tokens.owner(hashToken('mct_bot')), { userId: BEN })
    for (const ended of ['mct_gone', 'mct_expired', 'syt_ended'])
      t.is(await tokens.owner(hashToken(ended)), undefined, ended)
    for (const ended of ['mcr_used', 'syr_ended'])
      t.is(await tokens.byRefresh(hashToken(ended)), undefined, ended)
    t.deepEqual(await new DeviceReader(db).ids(ANN), ['PHONE'])
  },
)

testImports(
  test,
  'where it stays behind, what Synapse had before does not come in its place',
  async (t, db, open, config) => {
    const source = await open(SYNAPSE)
    await markImport(config, 'synapse a.test')
    const { came, left } = await runImport(accounts, {
      source,
      mas: 'left',
      db,
      serverName: 'a.test',
      now: 5,
    })
    t.deepEqual(Object.fromEntries(came), { accounts: 5 })
    t.deepEqual(Object.values(Object.fromEntries(left)), [1, 1, 1, 1])
    const reader = new UserReader(db)
    for (const userId of [ANN, BEN, CAT]) t.is((await reader.byId(userId))?.passwordHash, undefined)
    t.deepEqual(await new ThirdPartyIdReader(db).byUser(ANN), [])
    t.is(await new AccessTokenReader(db).owner(hashToken('syt_ended')), undefined)
  },
)

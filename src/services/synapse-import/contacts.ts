import { canonicalEmail } from '../../core/email-address.ts'
import { fitsBytes, MAX_ID_BYTES } from '../../core/ids.ts'
import { ProviderAccountReader } from '../../storage/accounts/provider-accounts.ts'
import { ThirdPartyIdReader } from '../../storage/accounts/third-party-ids.ts'
import type { Database, WriteStatement } from '../../storage/database.ts'
import { BulkInsert } from '../../storage/synapse/bulk-insert.ts'
import { contactOf } from '../accounts/administered-contacts.ts'
import { isOfServer, those } from './readable.ts'
import type { ImportWorld, StepProgress } from './step.ts'
import { tableStep } from './table-step.ts'

interface ThreepidRow {
  readonly user_id: string
  readonly medium: string
  readonly address: string
  readonly validated_at: number
  readonly added_at: number
}

/** E-mail addresses and telephone numbers of accounts. */
export const emails = tableStep<ThreepidRow>({
  name: 'e-mail addresses',
  table: 'user_threepids',
  query: () => ({
    from: 'user_threepids',
    columns: ['user_id', 'medium', 'address', 'validated_at', 'added_at'],
    key: ['medium', 'address'],
  }),
  begin: ({ db }, progress) => {
    const storeEmails = storedEmails(db, progress)
    const insert = insertIds(db)
    return async rows => {
      const [mail, others] = [rows.filter(isMail), rows.filter(row => !isMail(row))]
      const phones = those(
        others,
        row => contactOf(row) !== undefined,
        count => progress.left('telephone numbers of accounts that are none', count),
      )
      progress.came('telephone numbers', phones.length)
      return [...(await storeEmails(mail)), insert.rows(phones.map(idRow))]
    }
  },
})

const isMail = ({ medium }: ThreepidRow): boolean => medium === 'email'

const insertIds = (db: Database): BulkInsert =>
  new BulkInsert(db, 'user_threepids', ['medium', 'address', 'user_id', 'validated_ts', 'added_ts'])

const idRow = (row: ThreepidRow) => ({
  ...{ medium: row.medium, address: row.address, user_id: row.user_id },
  ...{ validated_ts: row.validated_at, added_ts: row.added_at },
})

/** Stores e-mail addresses of accounts, in their one spelling. */
export const storedEmails = (
  db: Database,
  progress: StepProgress,
): ((rows: readonly Omit<ThreepidRow, 'medium'>[]) => Promise<WriteStatement[]>) => {
  const insert = insertIds(db)
  const reader = new ThirdPartyIdReader(db)
  return async rows => {
    const usable = rows.flatMap(row => {
      const address = canonicalEmail(row.address)
      return address === undefined ? [] : [{ ...row, address }]
    })
    progress.left('e-mail addresses of accounts that are none', rows.length - usable.length)
    const free = await firstOf(
      usable,
      row => row.address,
      ({ address }) => reader.owner({ medium: 'email', address }),
    )
    progress.left('e-mail addresses that another account has, written otherwise', usable.length - free.length)
    progress.came('e-mail addresses', free.length)
    return [insert.rows(free.map(row => idRow({ ...row, medium: 'email' })))]
  }
}

/** Those of which none of the same key came before them, on this page or earlier. */
const firstOf = async <T>(
  rows: readonly T[],
  keyOf: (row: T) => string,
  find: (row: T) => Promise<unknown>,
): Promise<T[]> => {
  const first = new Map<string, T>()
  for (const row of rows) if (!first.has(keyOf(row)) && !(await find(row))) first.set(keyOf(row), row)
  return [...first.values()]
}

interface BindingRow {
  readonly user_id: string
  readonly medium: string
  readonly address: string
  readonly id_server: string
}

/** Where users have had addresses bound at identity servers, so that these can be told when that is to end. */
export const bindings = tableStep<BindingRow>({
  name: 'bindings',
  table: 'user_threepid_id_server',
  query: () => ({
    from: 'user_threepid_id_server',
    columns: ['user_id', 'medium', 'address', 'id_server'],
    key: ['user_id', 'medium', 'address', 'id_server'],
  }),
  begin: ({ db, now }, progress) => {
    const columns = ['user_id', 'medium', 'address', 'id_server', 'bound_ts']
    const insert = new BulkInsert(db, 'threepid_bindings', columns)
    return rows => {
      progress.came('bindings at identity servers', rows.length)
      return [insert.rows(rows.map(row => ({ ...row, bound_ts: now })))]
    }
  },
})

interface ExternalRow {
  readonly auth_provider: string
  readonly external_id: string
  readonly user_id: string
}

/** Synapse puts that before the `idp_id` of its settings. */
const OIDC = /^oidc-(?=.)/

/**
 * By which accounts elsewhere people sign in. `oidc-NAME` is found by the provider `NAME` of our settings, and `oidc` (Synapse's provider
 * without a name) by one of that name; what spoke SAML or CAS there keeps its name, in case that a provider of it takes its place.
 */
export const externalIds = tableStep<ExternalRow>({
  name: 'accounts elsewhere',
  table: 'user_external_ids',
  query: () => ({
    from: 'user_external_ids',
    columns: ['auth_provider', 'external_id', 'user_id'],
    key: ['auth_provider', 'external_id'],
  }),
  begin: (world, progress) => {
    const store = storedExternalIds(world, progress)
    return rows =>
      store(
        rows.map(row => ({
          user_id: row.user_id,
          provider: row.auth_provider.replace(OIDC, ''),
          subject: row.external_id,
        })),
      )
  },
})

/** Stores by which accounts elsewhere people sign in: one at each provider. */
export const storedExternalIds = (
  { db, serverName, now }: Pick<ImportWorld, 'db' | 'serverName' | 'now'>,
  progress: StepProgress,
): ((
  rows: readonly { user_id: string; provider: string; subject: string }[],
) => Promise<WriteStatement[]>) => {
  const columns = ['provider', 'subject', 'user_id', 'linked_ts']
  const insert = new BulkInsert(db, 'provider_accounts', columns)
  const reader = new ProviderAccountReader(db)
  return async rows => {
    const fitting = those(
      rows,
      row =>
        isOfServer(row.user_id, serverName) &&
        [row.provider, row.subject].every(text => text !== '' && fitsBytes(text, MAX_ID_BYTES)),
      count => progress.left('accounts elsewhere with IDs of more than 255 bytes', count),
    )
    const usable = await firstOf(
      fitting,
      row => JSON.stringify([row.provider, row.user_id]),
      async row => (await reader.providersOf(row.user_id)).includes(row.provider),
    )
    progress.left('second accounts of somebody at the same provider', fitting.length - usable.length)
    for (const [provider, ofProvider] of Map.groupBy(usable, row => row.provider))
      progress.came(`accounts elsewhere, of the provider ${provider}`, ofProvider.length)
    return [insert.rows(usable.map(row => ({ ...row, linked_ts: now })))]
  }
}

interface TokenRow {
  readonly token: string
  readonly uses_allowed: number | null
  readonly completed: number
  readonly expiry_time: number | null
}

/** Registration tokens. */
export const registrationTokens = tableStep<TokenRow>({
  name: 'registration tokens',
  table: 'registration_tokens',
  query: () => ({
    from: 'registration_tokens',
    columns: ['token', 'uses_allowed', 'completed', 'expiry_time'],
    key: ['token'],
  }),
  begin: ({ db, now }, progress) => {
    const insert = new BulkInsert(db, 'registration_tokens', [
      ...['token', 'uses_allowed', 'completed', 'created_ts', 'expires_ts'],
    ])
    return rows => {
      progress.came('registration tokens', rows.length)
      return [insert.rows(rows.map(row => ({ ...row, created_ts: now, expires_ts: row.expiry_time })))]
    }
  },
})

import { MatrixError } from '../../core/errors.ts'
import { fitsBytes, MAX_ID_BYTES } from '../../core/ids.ts'
import type { WriteStatement } from '../../storage/database.ts'
import type { AccountsContext } from './context.ts'

/** An account elsewhere by which a user signs in: the ID of the provider in the settings, and whom it knows there. */
export interface ExternalId {
  readonly auth_provider: string
  readonly external_id: string
}

/**
 * Refuses accounts elsewhere that a user cannot be given.
 * @throws {MatrixError} `M_INVALID_PARAM`: none that could be one, two at one provider; `M_UNKNOWN` (409): somebody else's
 */
export const checkExternalIds = async (
  { read }: AccountsContext,
  userId: string,
  wanted: readonly ExternalId[],
): Promise<void> => {
  const texts = wanted.flatMap(({ auth_provider: provider, external_id: subject }) => [provider, subject])
  if (!texts.every(text => text !== '' && text.isWellFormed() && fitsBytes(text, MAX_ID_BYTES)))
    throw new MatrixError('M_INVALID_PARAM', 'Provider and account have 1 to 255 bytes each.')
  if (new Set(wanted.map(each => each.auth_provider)).size < wanted.length)
    throw new MatrixError('M_INVALID_PARAM', 'A user has one account at each provider.')
  for (const { auth_provider: provider, external_id: subject } of wanted) {
    const owner = await read.providerAccounts.owner({ provider, subject })
    if (owner !== undefined && owner !== userId) throw externalIdInUse()
  }
}

/** The statements that let a user sign in by these accounts and no others; nothing where none are given. Guard: `already-linked`. */
export const externalIdStatements = async (
  { clock, read, write }: AccountsContext,
  userId: string,
  given: readonly ExternalId[] | undefined,
): Promise<WriteStatement[]> => {
  if (given === undefined) return []
  const wanted = given.map(each => ({ provider: each.auth_provider, subject: each.external_id }))
  const present = [...(await read.providerAccounts.ofUser(userId))]
  const isAmong = (all: typeof wanted, one: (typeof wanted)[number]): boolean =>
    all.some(({ provider, subject }) => provider === one.provider && subject === one.subject)
  const now = clock.now()
  return [
    ...present.filter(one => !isAmong(wanted, one)).map(one => write.providerAccounts.unlink(one, userId)),
    ...wanted
      .filter(one => !isAmong(present, one))
      .flatMap(one => write.providerAccounts.link(one, userId, now)),
  ]
}

/** Somebody else signs in by it. */
export const externalIdInUse = (): MatrixError =>
  new MatrixError('M_UNKNOWN', 'Somebody else signs in by this account.', { status: 409 })

import { MatrixError } from '../../core/errors.ts'
import type { Authentication } from './authentication.ts'
import type { AccountsContext } from './context.ts'
import { hashToken, newToken } from './secrets.ts'

/** Tokens by which one administrator acts as others: with one more, the oldest ends, within `sessions.cacheMs`. */
const MAX_TOKENS = 1_000

/**
 * Lets an administrator act as a user, by a token that belongs to no device: it is in no list, and those who write to the user do not
 * encrypt for it. It is good until it expires or is logged out, until the administrator logs out everywhere, and for as long as they
 * are one.
 *
 * @param expiresTs ms since 1970; `undefined`: it does not expire
 * @throws {MatrixError} `M_INVALID_PARAM`: as oneself, or until an instant that has passed; `M_USER_DEACTIVATED`
 */
export const startActing = async (
  { clock, random, read, write, commit }: AccountsContext,
  administrator: string,
  { userId, expiresTs }: { readonly userId: string; readonly expiresTs: number | undefined },
): Promise<string> => {
  if (administrator === userId) throw new MatrixError('M_INVALID_PARAM', 'You are that user.')
  const now = clock.now()
  if (expiresTs !== undefined && expiresTs <= now)
    throw new MatrixError('M_INVALID_PARAM', 'The token would have expired already.')
  if (!(await read.users.isActive(userId)))
    throw new MatrixError('M_USER_DEACTIVATED', 'The account is deactivated.')
  const token = newToken(random)
  await commit([
    write.tokens.insertFor(administrator, { tokenHash: hashToken(token), userId, createdTs: now, expiresTs }),
    write.tokens.boundActing(administrator, MAX_TOKENS),
  ])
  return token
}

/** Forgets what is in memory of whom somebody acts as. To be called after the commit that may have ended that they are an administrator. */
export const forgetActing = async (
  { read }: AccountsContext,
  authentication: Authentication,
  administrator: string,
): Promise<void> => {
  for (const userId of await read.tokens.actedAs(administrator)) await authentication.forget(userId)
}

/** Has an administrator no longer act as anybody else. */
export const endActing = async (
  { read, write, commit }: AccountsContext,
  authentication: Authentication,
  administrator: string,
): Promise<void> => {
  const users = await read.tokens.actedAs(administrator)
  if (users.length === 0) return
  await commit([write.tokens.dropActing(administrator)])
  for (const userId of users) await authentication.forget(userId)
}

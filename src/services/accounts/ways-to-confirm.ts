import type { AccountsContext } from './context.ts'
import { SSO_STAGE } from './providers/linked-accounts.ts'

/** How somebody shows who they are: by what they have. Without an access token it has to be a password. */
export const waysToConfirm = async (
  { options, providers, read }: AccountsContext,
  userId: string | undefined,
): Promise<string[][]> => {
  const password = ['m.login.password']
  if (userId === undefined || providers.length === 0) return [password]
  const linked = await read.providerAccounts.providersOf(userId)
  const isElsewhere =
    !options.sessions.passwords || providers.some(({ options: { id } }) => linked.includes(id))
  const hasPassword = (await read.users.byId(userId))?.passwordHash !== undefined
  const byPassword = options.sessions.passwords && (hasPassword || !isElsewhere)
  return [...(byPassword ? [password] : []), ...(isElsewhere ? [[SSO_STAGE]] : [])]
}

/**
 * Whether somebody can sign in as a user by what they have, and not only the application service whose user it is. Who has an e-mail
 * address gets a password by it.
 */
export const signsIn = async ({ read }: AccountsContext, userId: string): Promise<boolean> => {
  if ((await read.users.byId(userId))?.passwordHash !== undefined) return true
  if ((await read.providerAccounts.providersOf(userId)).length > 0) return true
  return (await read.threepids.byUser(userId)).some(({ medium }) => medium === 'email')
}

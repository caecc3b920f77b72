import { MatrixError } from '../../core/errors.ts'
import type { JsonValue } from '../../core/json.ts'
import type { ThirdPartyId } from '../../storage/accounts/third-party-ids.ts'
import type { Requester } from '../requester.ts'
import { contactId } from './administered-contacts.ts'
import { checkExternalIds, type ExternalId } from './administered-external-ids.ts'
import type { AccountsContext } from './context.ts'
import { threepidInUse } from './email-refusals.ts'
import { checkProfileValue } from './profiles.ts'

/** What administrators may make of an account. What is not given stays as it is; `null` takes it away. */
export interface AccountChanges {
  readonly password?: string | null
  /** Whether a new password logs the user out everywhere, as it does unless this is false. */
  readonly logout_devices?: boolean
  readonly displayname?: string | null
  readonly avatar_url?: string | null
  /** All of them: those that are not named are taken away. */
  readonly threepids?: readonly ThirdPartyId[]
  /** Accounts elsewhere by which the user signs in. */
  readonly external_ids?: readonly ExternalId[]
  readonly admin?: boolean
  readonly deactivated?: boolean
  readonly locked?: boolean
  readonly user_type?: string | null
}

/** Kinds of accounts that administrators tell apart. */
const USER_TYPES: readonly (string | null)[] = ['bot', 'support', null]

/** Third-party identifiers of one account. */
const MAX_IDS = 100

/**
 * Refuses what an administrator cannot make of an account.
 * @throws {MatrixError} `M_INVALID_PARAM`, `M_BAD_JSON`, `M_WEAK_PASSWORD`, `M_THREEPID_IN_USE`; `M_UNKNOWN` (409): as `checkExternalIds`
 */
export const checkChanges = async (
  context: AccountsContext,
  requester: Requester,
  userId: string,
  changes: AccountChanges,
): Promise<void> => {
  const { passwords, read } = context
  const { password, admin, deactivated, locked, user_type: type = null, threepids = [] } = changes
  if (typeof password === 'string') passwords.check(password)
  if (admin !== undefined) refuseOwnEnd(requester, userId, admin)
  if (deactivated === true && locked === true)
    throw invalid('An account cannot be locked and deactivated at once.')
  checkUserType(type)
  for (const [key, value] of profileOf(changes)) if (value) checkProfileValue(key, value)
  await checkExternalIds(context, userId, changes.external_ids ?? [])
  if (threepids.length > MAX_IDS) throw invalid(`An account has at most ${MAX_IDS} identifiers.`)
  for (const id of threepids) {
    const owner = await read.threepids.owner(contactId(id))
    if (owner !== undefined && owner !== userId) throw threepidInUse()
  }
}

/** Refuses kinds of accounts that there are not. @throws {MatrixError} `M_INVALID_PARAM` */
export const checkUserType = (type: string | null): void => {
  if (!USER_TYPES.includes(type)) throw invalid('The type of an account is bot, support or null.')
}

/** The fields of a profile that are to be changed. */
export const profileOf = (changes: AccountChanges): [key: string, value: JsonValue][] =>
  (['displayname', 'avatar_url'] as const).flatMap(key => {
    const value = changes[key]
    return value === undefined ? [] : [[key, value]]
  })

/** Nobody demotes themselves: the last administrator would. @throws {MatrixError} `M_INVALID_PARAM` */
export const refuseOwnEnd = (requester: Requester, userId: string, isAdmin: boolean): void => {
  if (requester.userId === userId && !isAdmin) throw invalid('You may not demote yourself.')
}

const invalid = (message: string): MatrixError => new MatrixError('M_INVALID_PARAM', message)

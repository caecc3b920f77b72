import { canonicalEmail } from '../../core/email-address.ts'
import { MatrixError } from '../../core/errors.ts'
import type { ThirdPartyId } from '../../storage/accounts/third-party-ids.ts'
import type { WriteStatement } from '../../storage/database.ts'
import type { AccountsContext } from './context.ts'

/** An identifier in its one spelling; nothing for what is neither an e-mail address nor a telephone number. */
export const contactOf = ({ medium, address }: ThirdPartyId): ThirdPartyId | undefined => {
  if (medium === 'msisdn') return /^\d{1,15}$/.test(address) ? { medium, address } : undefined
  const canonical = medium === 'email' ? canonicalEmail(address) : undefined
  return canonical === undefined ? undefined : { medium, address: canonical }
}

/** The same. @throws {MatrixError} `M_INVALID_PARAM` for what is none */
export const contactId = (id: ThirdPartyId): ThirdPartyId => {
  const contact = contactOf(id)
  if (contact === undefined)
    throw new MatrixError('M_INVALID_PARAM', 'An identifier is an e-mail address or a telephone number.')
  return contact
}

/**
 * The statements that give an account these identifiers and no others, since an administrator says that they are the user's. Guard:
 * `threepid-in-use`. Nothing where none are given.
 */
export const contactStatements = async (
  { clock, read, write }: AccountsContext,
  userId: string,
  given: readonly ThirdPartyId[] | undefined,
): Promise<WriteStatement[]> => {
  if (given === undefined) return []
  const now = clock.now()
  const wanted = new Map(given.map(contactId).map(id => [keyOf(id), id]))
  const present = new Map((await read.threepids.byUser(userId)).map(id => [keyOf(id), id]))
  const gone = [...present].filter(([key]) => !wanted.has(key))
  const added = [...wanted].filter(([key]) => !present.has(key))
  return [
    ...gone.map(([, id]) => write.threepids.delete(userId, id)),
    ...added.map(([, id]) => write.threepids.insert(userId, { ...id, validatedTs: now, addedTs: now })),
  ]
}

const keyOf = ({ medium, address }: ThirdPartyId): string => JSON.stringify([medium, address])

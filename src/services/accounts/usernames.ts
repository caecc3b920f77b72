import { hash } from 'node:crypto'
import { canonicalEmail } from '../../core/email-address.ts'
import { MatrixError } from '../../core/errors.ts'
import { compileGlob, globMatches } from '../../core/glob.ts'
import { isValidNewLocalpart, localpartOf, serverNameOf } from '../../core/ids.ts'
import { isJsonObject, type JsonValue } from '../../core/json.ts'
import { telephoneNumber } from '../../core/telephone-number.ts'
import type { User } from '../../storage/accounts/users.ts'
import type { AccountsContext } from './context.ts'
import { randomText } from './secrets.ts'

const asciiLowerCase = (text: string): string => text.replace(/[A-Z]+/g, capitals => capitals.toLowerCase())

/**
 * The user ID that a wished-for user name gives. Capitals are mapped to small letters, as the specification lets
 * servers do; everything else must be in the grammar (appendices, "User Identifiers").
 *
 * @throws {MatrixError} `M_INVALID_USERNAME`
 */
export const newUserId = (username: string, serverName: string): string => {
  const localpart = asciiLowerCase(username)
  if (!isValidNewLocalpart(localpart, serverName)) {
    throw new MatrixError(
      'M_INVALID_USERNAME',
      'User names consist of a-z, 0-9 and . _ = - / + and make, with the server name, at most 255 characters.',
    )
  }
  return `@${localpart}:${serverName}`
}

/**
 * The user ID that an application service wishes for: the same, but for capitals, which stay. A service has "full control over
 * its namespace", and bridges in use act as exactly those whom they have registered, named after people elsewhere.
 *
 * @throws {MatrixError} `M_INVALID_USERNAME`
 */
export const serviceUserId = (username: string, serverName: string): string => {
  newUserId(username, serverName)
  return `@${username}:${serverName}`
}

/**
 * Refuses a user ID that cannot be registered.
 * @throws {MatrixError} `M_EXCLUSIVE`, `M_USER_IN_USE`
 */
export const refuseUnavailable = async (context: AccountsContext, userId: string): Promise<void> => {
  if (context.hooks.isExclusive?.(userId) === true) {
    throw new MatrixError('M_EXCLUSIVE', 'This user name belongs to an application service.')
  }
  if (isForbidden(context, userId)) throw new MatrixError('M_USER_IN_USE', 'This user name is reserved.')
  if ((await context.read.users.existing([userId])).size > 0) throw userInUse()
}

const isForbidden = ({ options }: AccountsContext, userId: string): boolean =>
  (options.registration.forbiddenNames ?? []).some(pattern =>
    globMatches(compileGlob(pattern), localpartOf(userId)),
  )

/** A user name is taken: by an account, be it a deactivated one. */
export const userInUse = (): MatrixError => new MatrixError('M_USER_IN_USE', 'This user name is taken.')

/** Letters and digits that are not mistaken for one another. */
const READABLE = 'abcdefghjkmnpqrstuvwxyz23456789'

/** A user ID for somebody who did not wish for one. */
export const generatedUserId = ({ random, options }: AccountsContext): string =>
  `@${randomText(random, READABLE, 12)}:${options.serverName}`

/** A device ID for a client that did not bring one. */
export const generatedDeviceId = ({ random }: AccountsContext): string =>
  randomText(random, 'ABCDEFGHIJKLMNOPQRSTUVWXYZ', 10)

/** Whom a request names: somebody by user name or user ID, or the owner of a third-party identifier. */
export type NamedUser = { readonly user: string } | { readonly medium: string; readonly address: string }

/**
 * Whom a request names. `undefined`: nobody was named at all. Telephone numbers come as they are dialled (`m.id.phone`); one that is none
 * names nobody.
 *
 * @throws {MatrixError} `M_INVALID_PARAM`: another type of identifier
 */
export const namedUser = (request: {
  identifier?: JsonValue
  user?: JsonValue
  medium?: JsonValue
  address?: JsonValue
}): NamedUser | undefined => {
  const { identifier } = request
  if (!isJsonObject(identifier)) return userNamed(request) ?? thirdPartyNamed(request)
  if (identifier.type === 'm.id.user') return userNamed(identifier)
  // Without a type it is the old form of a third-party identifier.
  if (identifier.type === 'm.id.thirdparty' || identifier.type === undefined)
    return thirdPartyNamed(identifier)
  if (identifier.type === 'm.id.phone') return phoneNamed(identifier)
  throw new MatrixError('M_INVALID_PARAM', 'This type of identifier is not known here.')
}

const userNamed = ({ user }: { user?: JsonValue }): NamedUser | undefined =>
  typeof user === 'string' ? { user } : undefined

const phoneNamed = ({ country, phone }: { country?: JsonValue; phone?: JsonValue }) =>
  typeof country === 'string' && typeof phone === 'string'
    ? { medium: 'msisdn', address: telephoneNumber(country, phone) ?? '' }
    : undefined

const thirdPartyNamed = ({ medium, address }: { medium?: JsonValue; address?: JsonValue }) =>
  typeof medium === 'string' && typeof address === 'string' ? { medium, address } : undefined

/**
 * As what passwords that are tried for somebody are counted: the same in whatever way a name or an address is written, and found without a look
 * at the accounts, so that nobody learns from it which there are, or whose an address is. It is short, whatever was sent.
 */
export const countedAs = (named: NamedUser, serverName: string): string => {
  if ('user' in named) {
    const { user } = named
    return hash('sha256', asciiLowerCase(user.startsWith('@') ? user : `@${user}:${serverName}`), 'base64url')
  }
  const { medium, address } = named
  const canonical = medium === 'email' ? canonicalEmail(address) : undefined
  return hash('sha256', JSON.stringify([medium, canonical ?? address]), 'base64url')
}

/**
 * The local account that a login names, by localpart or by full user ID ("Matrix User ID" among the identifier
 * types), or by an address that was added to it. Where the exact name does not exist, its lower-case form is tried.
 */
export const findUser = async (context: AccountsContext, named: NamedUser): Promise<User | undefined> => {
  const { threepids, users } = context.read
  if ('user' in named) return findByName(context, named.user)
  const { medium } = named
  const address = medium === 'email' ? canonicalEmail(named.address) : named.address
  const owner = address === undefined ? undefined : await threepids.owner({ medium, address })
  return owner === undefined ? undefined : users.byId(owner)
}

const findByName = async (context: AccountsContext, name: string): Promise<User | undefined> => {
  const { serverName } = context.options
  const isFull = name.startsWith('@')
  if (isFull && serverNameOf(name) !== serverName) return undefined
  const localpart = isFull ? localpartOf(name) : name
  const exact = `@${localpart}:${serverName}`
  const lower = `@${asciiLowerCase(localpart)}:${serverName}`
  const { users } = context.read
  return (await users.byId(exact)) ?? (lower === exact ? undefined : users.byId(lower))
}

/** A namespace of an application service: the IDs that it is interested in. */
export interface NamespaceRule {
  /** Whether nobody else may make what is in it. */
  readonly isExclusive: boolean
  readonly pattern: RegExp
}

/** An application service as its registration describes it (application-service API, "Registration"). */
export interface AppService {
  readonly id: string
  /** Where it is reached; `undefined`: "if no traffic is required". */
  readonly url: string | undefined
  /** What it authenticates to us with. */
  readonly asToken: string
  /** What we authenticate to it with. */
  readonly hsToken: string
  /** The user ID that `sender_localpart` gives. */
  readonly senderId: string
  readonly users: readonly NamespaceRule[]
  readonly aliases: readonly NamespaceRule[]
  readonly rooms: readonly NamespaceRule[]
  /** Whether its users are limited like others; "the sender is excluded". */
  readonly isRateLimited: boolean
  readonly receivesEphemeral: boolean
  /**
   * Whether it encrypts by what transactions tell it: device lists, one-time keys and messages to devices (MSC3202). Others whose
   * users have devices ask `/sync`.
   */
  readonly isEncrypting: boolean
  /** The third-party protocols that it provides. */
  readonly protocols: readonly string[]
}

/**
 * Compiles the regular expression of a namespace. It has to match from the beginning of an ID, as in other servers,
 * not to its end. As registrations in the wild are written, a leading `(?i)` makes it case-insensitive, and needless
 * escapes (`\-`), with which some languages quote, are taken: in JavaScript only without the flag for Unicode.
 *
 * @throws {SyntaxError}
 */
export const namespacePattern = (regex: string): RegExp => {
  const insensitive = regex.startsWith('(?i)')
  const source = `^(?:${insensitive ? regex.slice(4) : regex})`
  const flags = insensitive ? 'i' : ''
  try {
    return new RegExp(source, `${flags}u`)
  } catch {
    return new RegExp(source, flags)
  }
}

/** Whether an ID is in one of these namespaces. */
export const isCovered = (rules: readonly NamespaceRule[], id: string): boolean =>
  rules.some(rule => rule.pattern.test(id))

/** Whether an ID is in one of these namespaces that belongs to the service alone. */
export const isClaimed = (rules: readonly NamespaceRule[], id: string): boolean =>
  rules.some(rule => rule.isExclusive && rule.pattern.test(id))

/** Whether a local user is the service's own: its sender, or one in its namespaces. */
export const isUserOf = (service: AppService, userId: string): boolean =>
  userId === service.senderId || isCovered(service.users, userId)

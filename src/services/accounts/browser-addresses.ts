import type { AccountsContext } from './context.ts'
import type { EmailCredentials, EmailValidations } from './email-validation.ts'
import { hashToken, newToken } from './secrets.ts'

/** As long as the link in the mail is good. */
const LIFETIME_MS = 86_400_000

/** Permits that may be waiting to be used. */
const MAX_PERMITS = 10_000

/** An address to which a link was sent, for somebody on a page of this server. */
export interface SentAddress extends EmailCredentials {
  /** Says that whoever asked for it had shown just then who they are. */
  readonly permit: string
}

/**
 * E-mail addresses that people without a password add on a page of this server. They show who they are when they ask for the link: a mail
 * takes longer than that counts.
 */
export class BrowserAddresses {
  readonly #context: AccountsContext
  readonly #emails: EmailValidations

  constructor(context: AccountsContext, emails: EmailValidations) {
    this.#context = context
    this.#emails = emails
  }

  /** Has the owner of an address confirm it, for a user who has shown who they are. @throws {MatrixError} as `EmailValidations.request` */
  async begin(userId: string, address: string): Promise<SentAddress> {
    const { clock, random, read, write } = this.#context
    const sent = await this.#emails.begin('add', address)
    const permit = newToken(random)
    const now = clock.now()
    await this.#context.commit(
      write.oneTime.insert(
        {
          tokenHash: hashToken(permit),
          purpose: 'address',
          subject: subjectOf(userId, sent),
          credentialVersion: (await read.users.byId(userId))?.credentialVersion,
          createdTs: now,
          expiresTs: now + LIFETIME_MS,
        },
        MAX_PERMITS,
      ),
    )
    return { ...sent, permit }
  }

  /** Whether it was this user who had shown who they are when they asked for this link; what ends their sessions ends that, too. */
  async isPermitted(userId: string, sent: Pick<SentAddress, 'sid' | 'permit'>): Promise<boolean> {
    const { clock, read } = this.#context
    const found = await read.oneTime.find(hashToken(sent.permit), 'address', clock.now())
    const user = await read.users.byId(userId)
    return found?.subject === subjectOf(userId, sent) && found.credentialVersion === user?.credentialVersion
  }
}

const subjectOf = (userId: string, { sid }: Pick<EmailCredentials, 'sid'>): string => `${userId} ${sid}`

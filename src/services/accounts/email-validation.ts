import { randomUUID } from 'node:crypto'
import { canonicalEmail } from '../../core/email-address.ts'
import { MatrixError } from '../../core/errors.ts'
import { compileGlob, globMatches } from '../../core/glob.ts'
import { mailWords } from '../../core/mail-words/index.ts'
import type { Mailer } from '../../network/mailer.ts'
import type { EmailPurpose, EmailValidation } from '../../storage/accounts/email-validations.ts'
import { SerialQueue } from '../serial-queue.ts'
import type { AccountsContext } from './context.ts'
import {
  checkNextLink,
  checkSecret,
  mailFailed,
  mediumNotSupported,
  refuseUnfit,
  tooManyMails,
} from './email-refusals.ts'
import { confirmationText, type EmailText, takenText, unknownText } from './email-texts.ts'
import { registrationClosed } from './registration-stages.ts'
import { hashToken, newOpaqueId, newToken } from './secrets.ts'

/** "Within a 24-hour period since its most recent modification" (Identity Service API, "Establishing associations"). */
const LIFETIME_MS = 86_400_000

/** Validations kept at most, since anybody can begin one; the oldest go first. So do their tokens. */
const MAX_VALIDATIONS = 20_000

/** One address is sent so many mails in an hour, whoever asks. */
const MAX_MAILS = 6
const HOUR_MS = 3_600_000

/** The body of a `requestToken` request for an e-mail address. */
export interface EmailTokenRequest {
  readonly client_secret: string
  readonly email: string
  readonly send_attempt: number
  readonly next_link?: string
}

/** How a client refers to a validation that it has begun. */
export interface EmailCredentials {
  readonly sid: string
  readonly clientSecret: string
}

/** A validated address. */
export interface ValidatedEmail {
  readonly sid: string
  readonly address: string
  readonly validatedTs: number
}

/** The link that was sent to an address has not been followed yet. */
export class UnconfirmedEmail extends MatrixError {
  constructor() {
    super('M_THREEPID_AUTH_FAILED', 'The e-mail address has not been confirmed.')
  }
}

/**
 * Shows who reads the mail of an address: a link is sent there, and whoever follows it and confirms has it. Whether an
 * address belongs to an account is told to its owner alone, unless the operator wants it otherwise.
 */
export class EmailValidations {
  readonly #context: AccountsContext
  readonly #mailer: Mailer | undefined
  /** Mails to one address are counted one after another: at once all of them would be let pass. */
  readonly #turns = new SerialQueue()

  constructor(context: AccountsContext, mailer: Mailer | undefined) {
    this.#context = context
    this.#mailer = mailer
  }

  /** Whether addresses can be validated at all. */
  get isOffered(): boolean {
    return this.#mailer !== undefined
  }

  /**
   * Sends the owner of an address a link, unless this very attempt did so before.
   *
   * @returns the session ID
   * @throws {MatrixError} `M_THREEPID_MEDIUM_NOT_SUPPORTED`: no e-mail here; `M_INVALID_PARAM`; `M_THREEPID_DENIED`;
   *   `M_THREEPID_IN_USE`, `M_THREEPID_NOT_FOUND` where the operator has them told; `M_LIMIT_EXCEEDED`; `M_UNKNOWN`;
   *   `M_FORBIDDEN`: registration is closed
   */
  async request(purpose: EmailPurpose, request: EmailTokenRequest): Promise<{ sid: string }> {
    const mailer = this.#mailer
    if (mailer === undefined) throw mediumNotSupported('E-mail addresses')
    if (purpose === 'register' && this.#context.options.registration.mode === 'closed') {
      throw registrationClosed()
    }
    checkSecret(request.client_secret)
    checkNextLink(request.next_link)
    const address = this.admitted(request.email)
    const { sid, text, known } = await this.#turns.run(address, () =>
      this.#attempt(purpose, address, request),
    )
    if (text === undefined) return { sid }
    try {
      await mailer.send({ to: address, ...text })
    } catch (error) {
      await this.#takeBack(sid, request.send_attempt, known)
      throw mailFailed(error)
    }
    return { sid }
  }

  /** The same for somebody on a page of this server, who has no client that makes up a secret. @throws {MatrixError} as `request` */
  async begin(purpose: EmailPurpose, address: string): Promise<EmailCredentials> {
    const clientSecret = randomUUID()
    const request = { client_secret: clientSecret, email: address, send_attempt: 1 }
    return { ...(await this.request(purpose, request)), clientSecret }
  }

  /**
   * What the holder of a link is about to confirm. `undefined`: the link has expired, or never was.
   */
  async find(token: string): Promise<EmailValidation | undefined> {
    const { clock, read } = this.#context
    const now = clock.now()
    const found = await read.oneTime.find(hashToken(token), 'email', now)
    return found?.subject === undefined ? undefined : read.emails.bySid(found.subject, now)
  }

  /** Confirms. See `find`. Doing it again changes nothing. */
  async confirm(token: string): Promise<EmailValidation | undefined> {
    const found = await this.find(token)
    if (found === undefined) return undefined
    const { clock, write } = this.#context
    const now = clock.now()
    await this.#context.commit([write.emails.validate(found.sid, now, now + LIFETIME_MS)])
    return found
  }

  /**
   * The address that a client has had validated for a purpose.
   * @throws {MatrixError} `M_THREEPID_AUTH_FAILED`: not known, not for this, or expired; not validated yet (`UnconfirmedEmail`)
   */
  async validated(purpose: EmailPurpose, { sid, clientSecret }: EmailCredentials): Promise<ValidatedEmail> {
    const { clock, read } = this.#context
    const found = await read.emails.bySid(sid, clock.now())
    const isTheirs = found?.purpose === purpose && found.secretHash === hashToken(clientSecret)
    if (!isTheirs)
      throw new MatrixError('M_THREEPID_AUTH_FAILED', 'No such e-mail address was to be confirmed.')
    if (found.validatedTs === undefined) throw new UnconfirmedEmail()
    return { sid, address: found.address, validatedTs: found.validatedTs }
  }

  /** Removes what has expired. */
  async prune(): Promise<void> {
    const { clock, write } = this.#context
    await this.#context.commit([write.emails.prune(clock.now(), MAX_VALIDATIONS)])
  }

  /** The canonical form of an address that may be used here. @throws {MatrixError} `M_INVALID_PARAM`, `M_THREEPID_DENIED` */
  admitted(text: string): string {
    const address = canonicalEmail(text)
    if (address === undefined) throw new MatrixError('M_INVALID_PARAM', 'That is no e-mail address.')
    const { allowDomains } = this.#context.options.email
    const domain = address.slice(address.lastIndexOf('@') + 1)
    if (
      allowDomains !== undefined &&
      !allowDomains.some(pattern => globMatches(compileGlob(pattern), domain))
    ) {
      throw new MatrixError('M_THREEPID_DENIED', 'E-mail addresses of this domain are not accepted here.')
    }
    return address
  }

  /** Makes an attempt, unless it was made before: then there is no text to be sent. */
  async #attempt(
    purpose: EmailPurpose,
    address: string,
    request: EmailTokenRequest,
  ): Promise<{ sid: string; text?: EmailText; known?: EmailValidation | undefined }> {
    const { clock, options, random, read } = this.#context
    const owner = await read.threepids.owner({ medium: 'email', address })
    if (options.email.revealAccounts) refuseUnfit(purpose, owner)
    const now = clock.now()
    const secretHash = hashToken(request.client_secret)
    const known = await read.emails.bySecret(purpose, address, secretHash, now)
    if (known !== undefined && request.send_attempt <= known.sendAttempt) return { sid: known.sid }
    if ((await read.emails.mailsSince(address, now - HOUR_MS)) >= MAX_MAILS) throw tooManyMails(HOUR_MS)
    const sid = known?.sid ?? newOpaqueId(random)
    const text = await this.#prepare({ sid, purpose, address, secretHash, known, request }, owner)
    // Another process has made it just now.
    return text === undefined ? this.#attempt(purpose, address, request) : { sid, text, known }
  }

  /** Stores the attempt, and says what to send. `undefined`: another request has made it. */
  async #prepare(
    attempt: {
      sid: string
      purpose: EmailPurpose
      address: string
      secretHash: string
      known: EmailValidation | undefined
      request: EmailTokenRequest
    },
    owner: string | undefined,
  ): Promise<EmailText | undefined> {
    const { clock, random, options, write } = this.#context
    const { known, request, sid, purpose } = attempt
    const { send_attempt: sendAttempt, next_link: nextLink } = request
    const now = clock.now()
    const expiresTs = now + LIFETIME_MS
    const token = newToken(random)
    const isFit = (purpose === 'password') === (owner !== undefined)
    const result = await this.#context.commit([
      ...(known === undefined
        ? write.emails.insert({ ...attempt, sendAttempt, nextLink }, { now, expiresTs })
        : [write.emails.attempt(known, sendAttempt, nextLink, now)]),
      ...(isFit
        ? write.oneTime.insert(
            { tokenHash: hashToken(token), purpose: 'email', subject: sid, createdTs: now, expiresTs },
            MAX_VALIDATIONS,
          )
        : []),
    ])
    if (!result.ok) return undefined
    const { serverName } = options
    const words = mailWords([], options.email.language)
    if (isFit)
      return confirmationText(
        words,
        purpose,
        serverName,
        `${options.email.baseUrl}${CONFIRM_PATH}?token=${token}`,
      )
    return owner === undefined ? unknownText(words, serverName) : takenText(words, serverName, owner)
  }

  async #takeBack(sid: string, sendAttempt: number, known: EmailValidation | undefined): Promise<void> {
    const { write } = this.#context
    await this.#context.commit([
      write.emails.unsent(sid, sendAttempt, known?.sendAttempt ?? Number.MIN_SAFE_INTEGER),
    ])
  }
}

/** Where links lead. */
export const CONFIRM_PATH = '/_tessera/email/confirm'

import { MatrixError } from '../../core/errors.ts'
import { MailError } from '../../network/mailer.ts'
import type { EmailPurpose } from '../../storage/accounts/email-validations.ts'

const MAX_LINK_LENGTH = 2000

/** Refuses media that nothing can be sent to. */
export const mediumNotSupported = (what: string): MatrixError =>
  new MatrixError('M_THREEPID_MEDIUM_NOT_SUPPORTED', `${what} cannot be used on this server.`)

/** "It must be a string consisting of the characters `[0-9a-zA-Z.=_-]`", 1 to 255 of them. */
export const checkSecret = (clientSecret: string): void => {
  if (!/^[0-9a-zA-Z.=_-]{1,255}$/.test(clientSecret)) {
    throw new MatrixError('M_INVALID_PARAM', 'client_secret has 1 to 255 of 0-9 a-z A-Z . = _ -')
  }
}

/** A browser is sent there: to a web page, and nothing that would run or open something else. */
export const checkNextLink = (link: string | undefined): void => {
  if (link === undefined) return
  const protocol = link.length > MAX_LINK_LENGTH ? undefined : URL.parse(link)?.protocol
  if (protocol !== 'https:' && protocol !== 'http:') {
    throw new MatrixError('M_INVALID_PARAM', 'next_link must be the address of a web page.')
  }
}

/** Where the operator has it told: no password to reset for nobody, no second account for somebody. */
export const refuseUnfit = (purpose: EmailPurpose, owner: string | undefined): void => {
  if (purpose === 'password' && owner === undefined) {
    throw new MatrixError('M_THREEPID_NOT_FOUND', 'No account has this e-mail address.', { status: 400 })
  }
  if (purpose !== 'password' && owner !== undefined) throw threepidInUse()
}

/** An address belongs to somebody's account already. */
export const threepidInUse = (): MatrixError =>
  new MatrixError('M_THREEPID_IN_USE', 'This e-mail address belongs to an account already.')

/** @param spanMs after which there may be another, milliseconds */
export const tooManyMails = (spanMs: number): MatrixError =>
  new MatrixError('M_LIMIT_EXCEEDED', 'This e-mail address was sent too many messages lately.', {
    fields: { retry_after_ms: spanMs },
    headers: { 'Retry-After': String(spanMs / 1000) },
  })

/** What became of a mail that could not be sent, as the client is told. */
export const mailFailed = (error: unknown): unknown => {
  if (!(error instanceof MailError)) return error
  return error.permanent
    ? new MatrixError('M_INVALID_PARAM', 'This address takes no e-mail.', { cause: error })
    : new MatrixError('M_UNKNOWN', 'The e-mail could not be sent. Try again later.', { cause: error })
}

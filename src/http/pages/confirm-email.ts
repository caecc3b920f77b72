import type { Clock } from '../../core/clock.ts'
import { MatrixError } from '../../core/errors.ts'
import { readBody } from '../body.ts'
import type { PageContext, Pages } from '../pages.ts'
import { html, sendPage } from './layout.ts'

/** What the link is for. */
export interface PendingConfirmation {
  readonly purpose: 'register' | 'add' | 'password'
  readonly address: string
  /** A web page to go on to. */
  readonly nextLink: string | undefined
}

/** What the page needs of the accounts. */
export interface ConfirmEmailService {
  /** What a token is about to confirm; `undefined` where it does not work (any more). */
  find(token: string): Promise<PendingConfirmation | undefined>
  confirm(token: string): Promise<PendingConfirmation | undefined>
}

export interface ConfirmEmailOptions {
  readonly emails: ConfirmEmailService
  readonly clock: Clock
  readonly serverName: string
  /** Where the links lead. */
  readonly path: string
}

const BODY_LIMIT = 8_192

const QUESTIONS = {
  register: 'make an account with the e-mail address',
  add: 'add this e-mail address to your account:',
  password: 'set a new password for the account with the e-mail address',
} as const

/**
 * Adds the page to which the links in e-mails lead. Following a link confirms nothing yet: programs that look after
 * mail follow links as well. The button does.
 */
export const addConfirmEmailPage = (pages: Pages, options: ConfirmEmailOptions): void => {
  const { emails, path } = options
  pages.get(path, async context => {
    const { token } = context.query
    const pending = typeof token === 'string' ? await emails.find(token) : undefined
    if (typeof token !== 'string' || pending === undefined) return sendExpired(context)
    sendQuestion(context, options, token, pending)
  })
  pages.post(path, context => confirm(context, options))
}

const confirm = async (context: PageContext, { emails, clock }: ConfirmEmailOptions): Promise<void> => {
  if (!context.is('application/x-www-form-urlencoded')) {
    throw new MatrixError('M_UNRECOGNIZED', 'A form is expected', { status: 415 })
  }
  const fields = new URLSearchParams((await readBody(context.req, BODY_LIMIT, clock)).toString())
  const confirmed = await emails.confirm(fields.get('token') ?? '')
  if (confirmed === undefined) return sendExpired(context)
  // "When the validation is completed, the identity server will redirect the user to this URL."
  if (confirmed.nextLink === undefined) return sendDone(context)
  context.set({ 'Referrer-Policy': 'no-referrer', 'Cache-Control': 'no-store' })
  context.status = 303
  context.redirect(confirmed.nextLink)
}

const sendQuestion = (
  context: PageContext,
  { serverName, path }: ConfirmEmailOptions,
  token: string,
  { purpose, address, nextLink }: PendingConfirmation,
): void =>
  sendPage(
    context,
    200,
    'Confirm',
    html`<h1>Is it you?</h1>
<p>Somebody asked ${serverName} to ${QUESTIONS[purpose]} <code>${address}</code>.</p>
<p>Confirm this only if it was you. If not, close this page: nothing happens then.</p>
<form method="post" action="${path}">
<input type="hidden" name="token" value="${token}">
<button autofocus>Yes, it was me</button>
</form>`,
    nextLink === undefined ? {} : { formTarget: URL.parse(nextLink)?.origin },
  )

const sendDone = (context: PageContext): void =>
  sendPage(
    context,
    200,
    'Confirmed',
    html`<h1>Confirmed</h1>
<p>Go back to where you came from, and go on there. You can close this page.</p>`,
  )

const sendExpired = (context: PageContext): void =>
  sendPage(
    context,
    403,
    'This link does not work',
    html`<h1>This link does not work</h1>
<p>It is older than a day, or was used already. Ask for a new one where you asked for this.</p>`,
  )

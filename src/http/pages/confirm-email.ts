import type { Clock } from '../../core/clock.ts'
import { MatrixError } from '../../core/errors.ts'
import { readBody } from '../body.ts'
import type { PageContext, Pages } from '../pages.ts'
import { formTargetOf } from './browser.ts'
import { html, sendPage } from './layout.ts'
import { type LanguageOptions, wordsOf } from './page-language.ts'

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

export interface ConfirmEmailOptions extends LanguageOptions {
  readonly emails: ConfirmEmailService
  readonly clock: Clock
  readonly serverName: string
  /** Where the links lead. */
  readonly path: string
}

const BODY_LIMIT = 8_192

/**
 * Adds the page to which the links in e-mails lead. Following a link confirms nothing yet: programs that look after
 * mail follow links as well. The button does.
 */
export const addConfirmEmailPage = (pages: Pages, options: ConfirmEmailOptions): void => {
  const { emails, path } = options
  pages.get(path, async context => {
    const { token } = context.query
    const pending = typeof token === 'string' ? await emails.find(token) : undefined
    if (typeof token !== 'string' || pending === undefined) return sendExpired(context, options)
    sendQuestion(context, options, token, pending)
  })
  pages.post(path, context => confirm(context, options))
}

const confirm = async (context: PageContext, options: ConfirmEmailOptions): Promise<void> => {
  const { emails, clock } = options
  if (!context.is('application/x-www-form-urlencoded')) {
    throw new MatrixError('M_UNRECOGNIZED', 'A form is expected', { status: 415 })
  }
  const fields = new URLSearchParams((await readBody(context.req, BODY_LIMIT, clock)).toString())
  const confirmed = await emails.confirm(fields.get('token') ?? '')
  if (confirmed === undefined) return sendExpired(context, options)
  // "When the validation is completed, the identity server will redirect the user to this URL."
  if (confirmed.nextLink === undefined) return sendDone(context, options)
  context.set({ 'Referrer-Policy': 'no-referrer', 'Cache-Control': 'no-store' })
  context.status = 303
  context.redirect(confirmed.nextLink)
}

const sendQuestion = (
  context: PageContext,
  options: ConfirmEmailOptions,
  token: string,
  { purpose, address, nextLink }: PendingConfirmation,
): void => {
  const { confirmEmail: say, lang } = wordsOf(context, options)
  const next = nextLink === undefined ? null : URL.parse(nextLink)
  sendPage(
    context,
    200,
    say.title,
    html`<h1>${say.question}</h1>
<p>${say.asked[purpose](options.serverName)} <code>${address}</code></p>
<p>${say.careful}</p>
<form method="post" action="${options.path}">
<input type="hidden" name="token" value="${token}">
<button autofocus>${say.yes}</button>
</form>`,
    { lang, formTarget: next === null ? undefined : formTargetOf(next) },
  )
}

const sendDone = (context: PageContext, options: ConfirmEmailOptions): void => {
  const { confirmEmail: say, common, lang } = wordsOf(context, options)
  const content = html`<h1>${say.confirmed}</h1>
<p>${say.goBack} ${common.closePage}</p>`
  sendPage(context, 200, say.confirmed, content, { lang })
}

const sendExpired = (context: PageContext, options: ConfirmEmailOptions): void => {
  const { confirmEmail: say, lang } = wordsOf(context, options)
  const content = html`<h1>${say.expired}</h1>
<p>${say.expiredWhy}</p>`
  sendPage(context, 403, say.expired, content, { lang })
}

import { factsOf, type PageContext, type Pages } from '../pages.ts'
import {
  alertOf,
  type BrowserOptions,
  formFields,
  goTo,
  sendNotice,
  setSecret,
  type Visitor,
  visitorOf,
} from './browser.ts'
import { type Html, html, sendPage } from './layout.ts'
import { problemOf } from './problem-words.ts'
import { type ReturnOptions, returnPath } from './return-path.ts'

/** How somebody shows that they read the mail of an address. */
interface Confirmation {
  readonly sid: string
  readonly clientSecret: string
}

/** What the page needs of the accounts. All that refuses throws `MatrixError`. */
export interface RecoveryService {
  /** Has the owner of an address confirm it. */
  sendEmail(address: string): Promise<Confirmation>
  /** Sets the password of the account that the address belongs to. @returns the user ID */
  setPassword(
    confirmation: Confirmation,
    password: string,
    how: { readonly logoutDevices: boolean },
  ): Promise<string>
}

export type RecoverOptions = BrowserOptions &
  ReturnOptions & {
    readonly service: RecoveryService
    readonly path: string
    /** Where people are brought who come from nowhere, as by a link that they were sent. */
    readonly home: string
    /** Of passwords, in characters. */
    readonly minimumPasswordLength: number
  }

/** Where the link was sent, and what goes with it. */
interface Sent extends Confirmation {
  readonly address: string
}

/**
 * Adds the page for people who have forgotten their password. They name an address of their account, follow the link that is sent
 * there, and choose a new password here; then they are signed in, and brought back to where they came from (`return`). Nobody is
 * told whether an address belongs to an account: who reads its mail is.
 */
export const addRecoverPage = (pages: Pages, options: RecoverOptions): void => {
  pages.get(options.path, async context => {
    const visitor = await visitorOf(context, options)
    if (backOf(context, options) === undefined) return sendBadRequest(context, visitor)
    sendForm(context, options, visitor, {})
  })
  pages.post(options.path, context => submit(context, options))
}

const backOf = (context: PageContext, options: RecoverOptions): string | undefined =>
  returnPath(new URLSearchParams(context.querystring).get('return') ?? options.home, options)

const sendBadRequest = (context: PageContext, { words }: Visitor): void => {
  const { title, badRequest } = words.problems
  sendNotice(context, words, 400, { title, text: [badRequest] })
}

const submit = async (context: PageContext, options: RecoverOptions): Promise<void> => {
  const visitor = await visitorOf(context, options)
  const fields = await formFields(context, options, visitor)
  if (fields === undefined) return
  const back = backOf(context, options)
  if (back === undefined) return sendBadRequest(context, visitor)
  const field = (name: string): string => fields.get(name) ?? ''
  const sid = field('sid')
  const sent = sid === '' ? undefined : { address: field('email'), sid, clientSecret: field('client_secret') }
  try {
    if (sent === undefined) return await send(context, options, visitor, field('email').trim())
    if (field('password') !== field('password_again')) {
      const problem = visitor.words.problems.passwordsDiffer
      return sendForm(context, options, visitor, { sent, problem, status: 400 })
    }
    factsOf(context).limit('login')
    const how = { logoutDevices: fields.has('end_others') }
    const userId = await options.service.setPassword(sent, field('password'), how)
    setSecret(context, options, await options.browsers.signInAs(userId))
    goTo(context, back)
  } catch (error) {
    const { status, text } = problemOf(error, visitor.words, {
      M_UNAUTHORIZED: 'emailUnconfirmed',
      M_THREEPID_NOT_FOUND: 'emailRefused',
      M_INVALID_PARAM: sent === undefined ? 'emailRefused' : 'weakPassword',
    })
    sendForm(context, options, visitor, { sent, problem: text, status })
  }
}

const send = async (
  context: PageContext,
  options: RecoverOptions,
  visitor: Visitor,
  address: string,
): Promise<void> => {
  factsOf(context).limit('third-party-token')
  sendForm(context, options, visitor, { sent: { address, ...(await options.service.sendEmail(address)) } })
}

const sendForm = (
  context: PageContext,
  options: RecoverOptions,
  { words, formToken }: Visitor,
  { sent, problem, status = 200 }: { sent?: Sent | undefined; problem?: string | undefined; status?: number },
): void => {
  const { common, recover: say, register, lang } = words
  sendPage(
    context,
    status,
    say.title,
    html`<h1>${say.title}</h1>
${alertOf(problem)}
<form method="post">
${formToken}
${
  sent === undefined
    ? html`<label for="email">${register.email}</label>
<input id="email" name="email" type="email" required autofocus autocomplete="email" aria-describedby="email-hint">
<small id="email-hint">${say.addressWhy}</small>`
    : passwordFields(options, words, sent)
}
<button>${sent === undefined ? register.emailButton : say.title}</button>
</form>
<p><a href="${backOf(context, options) ?? ''}">${common.cancel}</a></p>`,
    { lang },
  )
}

const passwordFields = (
  { minimumPasswordLength }: RecoverOptions,
  { account, register }: Visitor['words'],
  { address, sid, clientSecret }: Sent,
): Html => html`<p>${register.emailSent(address)}</p>
<input type="hidden" name="email" value="${address}">
<input type="hidden" name="sid" value="${sid}">
<input type="hidden" name="client_secret" value="${clientSecret}">
<label for="password">${account.newPassword}</label>
<input id="password" name="password" type="password" required minlength="${String(minimumPasswordLength)}" autocomplete="new-password" aria-describedby="password-hint">
<small id="password-hint">${register.passwordHint(minimumPasswordLength)}</small>
<label for="password_again">${register.again}</label>
<input id="password_again" name="password_again" type="password" required autocomplete="new-password">
<label class="choice"><input type="checkbox" name="end_others" value="yes">${account.endOthers}</label>`

import type { PageWords } from '../../core/page-words/index.ts'
import { factsOf, type PageContext } from '../pages.ts'
import { alertOf, type BrowserOptions, goTo, sameWith, setSecret, type Visitor } from './browser.ts'
import { type Html, html, sendPage } from './layout.ts'
import { problemOf } from './problem-words.ts'

/** What new users are asked for. */
export interface WhatIsAsked {
  readonly isOpen: boolean
  readonly needsToken: boolean
  readonly needsEmail: boolean
  /** Documents to accept, in a language. */
  terms(language: string): readonly { readonly name: string; readonly url: string }[]
  /** Of passwords, in characters. */
  readonly minimumPasswordLength: number
}

/** What somebody has filled in. */
export interface NewAccount {
  readonly username: string
  readonly password: string
  readonly token: string
  readonly email: { readonly sid: string; readonly clientSecret: string } | undefined
}

export interface RegistrationOptions {
  readonly registration: WhatIsAsked & {
    /** Has the owner of an address confirm it. @throws {MatrixError} */
    sendEmail(address: string): Promise<{ sid: string; clientSecret: string }>
    /** Makes an account. @returns the user ID @throws {MatrixError} */
    create(account: NewAccount): Promise<string>
  }
}

type Options = BrowserOptions & RegistrationOptions

interface Filled {
  readonly status?: number
  readonly name?: string
  readonly problem?: string | undefined
  /** Where an address has to be shown: the link was sent there. */
  readonly email?: { readonly address: string; readonly sid: string; readonly clientSecret: string }
}

interface Purpose {
  readonly formTarget?: string | undefined
}

/** Makes an account out of what was filled in, and signs its owner in. */
export const register = async (
  context: PageContext,
  options: Options,
  visitor: Visitor,
  fields: URLSearchParams,
  purpose: Purpose,
): Promise<void> => {
  const { registration, browsers } = options
  const { problems } = visitor.words
  const field = (name: string): string => fields.get(name) ?? ''
  const [name, password, address, sid] = [
    field('user').trim(),
    field('password'),
    field('email'),
    field('sid'),
  ]
  const email = sid === '' ? undefined : { address, sid, clientSecret: field('client_secret') }
  const again = (problem: string | undefined, status = 400): void =>
    sendRegistration(context, options, visitor, purpose, { status, name, problem, ...(email && { email }) })
  if (!registration.isOpen) return again(problems.closed, 403)
  try {
    factsOf(context).limit('register')
    if (registration.needsEmail && email === undefined) {
      const sent = { address, ...(await registration.sendEmail(address)) }
      return sendRegistration(context, options, visitor, purpose, { email: sent })
    }
    if (password !== field('password_again')) return again(problems.passwordsDiffer)
    const hasTerms = registration.terms(visitor.words.lang).length > 0
    if (hasTerms && field('terms') !== 'accepted') return again(problems.termsNeeded)
    const userId = await registration.create({
      ...{ username: name, password, token: field('token').trim(), email },
    })
    setSecret(context, options, await browsers.signInAs(userId))
    goTo(context, sameWith(context, { prompt: undefined }))
  } catch (error) {
    const { status, text } = problemOf(error, visitor.words, {
      M_UNAUTHORIZED: 'emailUnconfirmed',
      M_FORBIDDEN: registration.needsToken ? 'wrongToken' : 'closed',
      M_INVALID_PARAM: email === undefined && registration.needsEmail ? 'emailRefused' : 'weakPassword',
    })
    again(text, status)
  }
}

/** The form by which an account is made. Where an address has to be shown, that comes first. */
export const sendRegistration = (
  context: PageContext,
  options: Options,
  { words, formToken }: Visitor,
  { formTarget }: Purpose,
  filled: Filled,
): void => {
  const { register: say, lang } = words
  const { registration, serverName } = options
  const isFirst = registration.needsEmail && filled.email === undefined
  sendPage(
    context,
    filled.status ?? 200,
    say.title(serverName),
    html`<h1>${say.title(serverName)}</h1>
${alertOf(filled.problem)}
<form method="post">
${formToken}
${isFirst ? addressField(words) : accountFields(words, options, filled)}
<button name="do" value="register">${isFirst ? say.emailButton : say.button}</button>
</form>
<p><a href="${sameWith(context, { prompt: undefined })}">${say.haveAccount}</a></p>`,
    { lang, formTarget },
  )
}

const addressField = ({ register: say }: PageWords): Html => html`<label for="email">${say.email}</label>
<input id="email" name="email" type="email" required autofocus autocomplete="email" aria-describedby="email-hint">
<small id="email-hint">${say.emailWhy}</small>`

const accountFields = (
  { common, register: say, lang }: PageWords,
  { registration, serverName }: Options,
  { name = '', email }: Filled,
): Html => {
  const least = registration.minimumPasswordLength
  const shown =
    email &&
    html`<p>${say.emailSent(email.address)}</p>
<input type="hidden" name="email" value="${email.address}">
<input type="hidden" name="sid" value="${email.sid}">
<input type="hidden" name="client_secret" value="${email.clientSecret}">`
  const token = registration.needsToken
    ? html`<label for="token">${say.token}</label>
<input id="token" name="token" required autocomplete="off" spellcheck="false">`
    : undefined
  return html`${shown}
<label for="user">${common.userName}</label>
<input id="user" name="user" value="${name}" required autofocus autocomplete="username" autocapitalize="none" spellcheck="false" aria-describedby="user-hint">
<small id="user-hint">${say.userHint(serverName)}</small>
<label for="password">${common.password}</label>
<input id="password" name="password" type="password" required minlength="${String(least)}" autocomplete="new-password" aria-describedby="password-hint">
<small id="password-hint">${say.passwordHint(least)}</small>
<label for="password_again">${say.again}</label>
<input id="password_again" name="password_again" type="password" required autocomplete="new-password">
${token}
${termsField(say.terms, registration.terms(lang))}`
}

/** The documents to accept, with a box to tick; nothing where there are none. */
export const termsField = (
  accept: string,
  terms: readonly { readonly name: string; readonly url: string }[],
): Html | undefined => {
  if (terms.length === 0) return undefined
  const links = terms.map(({ name, url }) => html`<a href="${url}" target="_blank">${name}</a>`.html)
  return html`<label class="choice"><input type="checkbox" name="terms" value="accepted" required> ${accept} ${{ html: links.join(', ') }}</label>`
}

import { oneLine } from '../../core/mail-text.ts'
import type { PageWords } from '../../core/page-words/index.ts'
import { factsOf, type PageContext } from '../pages.ts'
import { alertOf, type BrowserOptions, goTo, sameWith, setSecret, type Visitor } from './browser.ts'
import { type Html, html, sendPage } from './layout.ts'
import { problemOf } from './problem-words.ts'
import { type RegistrationOptions, register, sendRegistration } from './register.ts'

/** Of a provider's name, in characters. */
const MAX_SHOWN = 60

/** What the page needs on which people sign in, or make an account. */
export type SignInOptions = BrowserOptions &
  RegistrationOptions & {
    /** With which accounts elsewhere people can sign in, if they can, and where the way to them begins. `return` in its query: where it leads to. */
    readonly providers: {
      readonly offered: readonly OfferedProvider[]
      /** Whether somebody can get an account by one of them. */
      readonly canRegister: boolean
    }
    readonly providerPath: (providerId: string, query: Readonly<Record<string, string>>) => string
    /** Whether people can sign in with a password. */
    readonly passwords: boolean
    /** Where the way to another password begins for who has forgotten it. `return` in its query: where it leads to. */
    readonly recovery: { readonly isOffered: boolean; readonly path: string }
  }

/** An account elsewhere with which people can sign in. */
export interface OfferedProvider {
  readonly id: string
  readonly name: string
}

/** For what somebody signs in. */
export interface Purpose {
  /** The name of the app that wants it. */
  readonly client?: string | undefined
  /** Whether one may refuse; the form then sends `do=deny`. */
  readonly canCancel?: boolean
  /** Where the answer to the form may redirect (CSP). */
  readonly formTarget?: string | undefined
}

/** Asks who it is: by the form to sign in or, with `prompt=create`, to make an account. */
export const askToSignIn = async (
  context: PageContext,
  options: SignInOptions,
  visitor: Visitor,
  purpose: Purpose = {},
): Promise<void> => {
  const wantsAccount = new URLSearchParams(context.querystring).get('prompt') === 'create'
  if (wantsAccount && options.registration.isOpen)
    return sendRegistration(context, options, visitor, purpose, {})
  const isClosed = wantsAccount && !options.providers.canRegister
  const name = hintedName(context, options)
  const problem = isClosed ? visitor.words.problems.closed : undefined
  sendSignIn(context, options, visitor, purpose, { problem, name })
}

/** Whom the client believes to sign in (`login_hint`, MSC4198): `mxid:` and a user ID; what else there is means nothing here. */
const hintedName = (context: PageContext, { serverName }: SignInOptions): string => {
  const [, localpart = '', server] =
    /^mxid:@([^:]{1,255}):(.+)$/.exec(new URLSearchParams(context.querystring).get('login_hint') ?? '') ?? []
  return server === serverName ? localpart : ''
}

/**
 * Does what the forms of `askToSignIn` ask for, and those by which one signs out. Success leads to where one was.
 * @returns whether it was one of them
 */
export const signInOrOut = async (
  context: PageContext,
  options: SignInOptions,
  visitor: Visitor,
  fields: URLSearchParams,
  purpose: Purpose = {},
): Promise<boolean> => {
  const action = fields.get('do')
  if (action === 'sign-in') await signIn(context, options, visitor, fields, purpose)
  else if (action === 'register') await register(context, options, visitor, fields, purpose)
  else if (action === 'sign-out') {
    await options.browsers.signOut(visitor.secret)
    goTo(context, sameWith(context, { prompt: undefined }))
  } else return false
  return true
}

const signIn = async (
  context: PageContext,
  options: SignInOptions,
  visitor: Visitor,
  fields: URLSearchParams,
  purpose: Purpose,
): Promise<void> => {
  const name = (fields.get('user') ?? '').trim()
  try {
    const facts = factsOf(context)
    facts.limit('login')
    setSecret(context, options, await options.browsers.signIn(name, fields.get('password') ?? '', facts.ip))
    goTo(context, sameWith(context, { prompt: undefined }))
  } catch (error) {
    const { status, text } = problemOf(error, visitor.words, { M_FORBIDDEN: 'wrongPassword' })
    sendSignIn(context, options, visitor, purpose, { problem: text, status, name })
  }
}

const sendSignIn = (
  context: PageContext,
  options: SignInOptions,
  { words, formToken }: Visitor,
  purpose: Purpose,
  { problem, status = 200, name = '' }: { problem: string | undefined; status?: number; name?: string },
): void => {
  const { common, signIn: say, lang } = words
  const why = purpose.client === undefined ? undefined : html`<p>${say.toContinue(purpose.client)}</p>`
  const cancel: Html | undefined =
    purpose.canCancel === true
      ? html`<button class="plain" name="do" value="deny" formnovalidate>${common.cancel}</button>`
      : undefined
  const { serverName, registration, passwords, recovery } = options
  const back = new URLSearchParams({ return: sameWith(context, { prompt: undefined }) })
  const forgotten = recovery.isOffered
    ? html`<p><a href="${recovery.path}?${back.toString()}">${say.forgotten}</a></p>`
    : undefined
  const other = registration.isOpen
    ? html`<p><a href="${sameWith(context, { prompt: 'create' })}">${say.makeAccount}</a></p>`
    : undefined
  sendPage(
    context,
    status,
    say.title(serverName),
    html`<h1>${say.title(serverName)}</h1>
${why}
${alertOf(problem)}
<form method="post">
${formToken}
${passwords ? passwordFields(words, name) : undefined}
${passwords ? undefined : providerLinks(context, options, words)}
${cancel}
</form>
${forgotten}
${passwords ? providerLinks(context, options, words) : undefined}
${other}`,
    { lang, formTarget: purpose.formTarget },
  )
}

const AUTOFOCUS = html` autofocus`

const passwordFields = (
  { common, signIn: say }: PageWords,
  name: string,
): Html => html`<label for="user">${common.userName}</label>
<input id="user" name="user" value="${name}" required${name === '' ? AUTOFOCUS : undefined} autocomplete="username" autocapitalize="none" spellcheck="false">
<label for="password">${common.password}</label>
<input id="password" name="password" type="password" required${name === '' ? undefined : AUTOFOCUS} autocomplete="current-password">
<button name="do" value="sign-in">${say.button}</button>`

/** The ways to sign in elsewhere; they lead back to where one is. */
export const providerLinks = (
  context: PageContext,
  { providers, providerPath }: SignInOptions,
  words: PageWords,
  more: Readonly<Record<string, string>> = {},
  among: readonly OfferedProvider[] = providers.offered,
): Html | undefined => {
  const query = { ...more, return: sameWith(context, { prompt: undefined }) }
  return linksTo(among, one => providerPath(one.id, query), words)
}

/** A button for each provider; nothing where there are none. */
export const linksTo = (
  providers: readonly OfferedProvider[],
  hrefOf: (provider: OfferedProvider) => string,
  words: PageWords,
): Html | undefined => {
  const links = providers.map(
    one =>
      html`<a class="button" href="${hrefOf(one)}">${words.providers.goOnWith(oneLine(one.name, MAX_SHOWN))}</a>`
        .html,
  )
  return links.length === 0 ? undefined : { html: links.join('\n') }
}

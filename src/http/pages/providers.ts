import { MatrixError } from '../../core/errors.ts'
import { factsOf, type PageContext, type Pages } from '../pages.ts'
import { alertOf, formFields, goTo, sendNotice, setSecret, type Visitor, visitorOf } from './browser.ts'
import { html, sendPage } from './layout.ts'
import { problemOf } from './problem-words.ts'
import { termsField } from './register.ts'
import { type ReturnOptions, returnPath } from './return-path.ts'
import type { SignInOptions } from './sign-in.ts'

/** Signing in with accounts elsewhere, as the pages need it. All that refuses throws `MatrixError`. */
export interface ProviderService {
  begin(
    providerId: string,
    browser: string,
    errand: {
      readonly returnTo: string
      readonly confirms?: string | undefined
      readonly permit?: string | undefined
    },
    isAnew: boolean,
  ): Promise<string>
  finish(
    browser: string,
    callback: URLSearchParams,
  ): Promise<
    { readonly returnTo: string } & (
      | { readonly kind: 'signed-in'; readonly secret: string }
      | { readonly kind: 'newcomer'; readonly token: string }
      | { readonly kind: 'done' }
      | { readonly kind: 'failed'; readonly error: MatrixError }
    )
  >
  readonly arrivals: {
    question(browser: string, token: string): Promise<Question>
    answer(
      browser: string,
      token: string,
      answer: { readonly userName: string; readonly acceptsTerms: boolean },
    ): Promise<{ readonly secret: string; readonly returnTo: string }>
  }
}

/** What a newcomer is asked. */
interface Question {
  /** The name of the provider that they come from. */
  readonly provider: string
  /** How they could be called. */
  readonly proposal: string
  readonly canChoose: boolean
  readonly isTaken: boolean
}

export type ProviderPagesOptions = SignInOptions &
  ReturnOptions & {
    readonly service: ProviderService
    readonly paths: { readonly provider: string; readonly callback: string; readonly newcomer: string }
  }

/** What refusals mean here. */
const SPECIAL = {
  M_NOT_FOUND: 'formExpired',
  M_FORBIDDEN: 'closed',
  M_UNAUTHORIZED: 'notAdmitted',
  M_CONNECTION_FAILED: 'providerFailed',
  M_BAD_STATE: 'otherAccount',
} as const

/**
 * Adds the ways to OpenID Connect providers and back. Nobody is sent there by a form: browsers hold all redirects after one to
 * what the page has named beforehand (CSP, `form-action`), and a provider may lead on to others.
 */
export const addProviderPages = (pages: Pages, options: ProviderPagesOptions): void => {
  const { paths } = options
  pages.get(`${paths.provider}/:id`, context => leave(context, options))
  pages.get(paths.callback, context => comeBack(context, options))
  pages.get(paths.newcomer, context => ask(context, options))
  pages.post(paths.newcomer, context => create(context, options))
}

const leave = async (context: PageContext, options: ProviderPagesOptions): Promise<void> => {
  const visitor = await visitorOf(context, options)
  const query = new URLSearchParams(context.querystring)
  const returnTo = returnPath(query.get('return') ?? '', options)
  const confirms = query.get('confirms') ?? undefined
  const permit = query.get('connects') ?? undefined
  const isAnew = confirms !== undefined || query.has('anew')
  // Other sites may send people to sign in, but not to anything more.
  const isOurs = query.get('form') === visitor.linkToken
  const isMore = confirms !== undefined || permit !== undefined
  try {
    if (isMore && !isOurs) throw new MatrixError('M_NOT_FOUND', 'The link is not good any more.')
    if (returnTo === undefined) throw new MatrixError('M_INVALID_PARAM', 'Nobody is brought back there.')
    factsOf(context).limit('oauth')
    const id = String(context.params['id'])
    const errand = { returnTo, confirms, permit }
    goTo(context, await options.service.begin(id, visitor.secret, errand, isAnew))
  } catch (error) {
    sendProblem(context, visitor, error, returnTo)
  }
}

const comeBack = async (context: PageContext, options: ProviderPagesOptions): Promise<void> => {
  const visitor = await visitorOf(context, options)
  try {
    factsOf(context).limit('oauth')
    const came = await options.service.finish(visitor.secret, new URLSearchParams(context.querystring))
    if (came.kind === 'failed') return sendProblem(context, visitor, came.error, came.returnTo)
    if (came.kind === 'signed-in') setSecret(context, options, came.secret)
    if (came.kind !== 'newcomer') return goTo(context, came.returnTo)
    goTo(context, `${options.paths.newcomer}?${new URLSearchParams({ token: came.token })}`)
  } catch (error) {
    sendProblem(context, visitor, error, undefined)
  }
}

const tokenOf = (context: PageContext): string => new URLSearchParams(context.querystring).get('token') ?? ''

const ask = async (context: PageContext, options: ProviderPagesOptions): Promise<void> => {
  const visitor = await visitorOf(context, options)
  try {
    const question = await options.service.arrivals.question(visitor.secret, tokenOf(context))
    const { proposal: name, isTaken } = question
    const problem = isTaken ? visitor.words.problems.nameTaken : undefined
    sendQuestion(context, options, visitor, question, { name, problem })
  } catch (error) {
    sendProblem(context, visitor, error, undefined)
  }
}

const create = async (context: PageContext, options: ProviderPagesOptions): Promise<void> => {
  const visitor = await visitorOf(context, options)
  const fields = await formFields(context, options, visitor)
  if (fields === undefined) return
  const { service, registration } = options
  const { words, secret } = visitor
  const name = (fields.get('user') ?? '').trim()
  const token = tokenOf(context)
  const again = async (problem: string, status: number): Promise<void> =>
    sendQuestion(context, options, visitor, await service.arrivals.question(secret, token), {
      name,
      problem,
      status,
    })
  try {
    factsOf(context).limit('register')
    const acceptsTerms = fields.get('terms') === 'accepted'
    if (!acceptsTerms && registration.terms(words.lang).length > 0) {
      return await again(words.problems.termsNeeded, 400)
    }
    const made = await service.arrivals.answer(secret, token, { userName: name, acceptsTerms })
    setSecret(context, options, made.secret)
    goTo(context, made.returnTo)
  } catch (error) {
    const { status, text } = problemOf(error, words, SPECIAL)
    if (error instanceof MatrixError && error.errcode === 'M_NOT_FOUND') {
      return sendProblem(context, visitor, error, undefined)
    }
    await again(text, status)
  }
}

const sendProblem = (
  context: PageContext,
  { words }: Visitor,
  error: unknown,
  returnTo: string | undefined,
): void => {
  const { status, text } = problemOf(error, words, SPECIAL)
  const { title } = words.problems
  const more = returnTo && html`<p><a href="${returnTo}">${words.providers.again}</a></p>`
  sendNotice(context, words, status, { title, text: [text], more: more || undefined })
}

const sendQuestion = (
  context: PageContext,
  { registration, serverName }: ProviderPagesOptions,
  { words, formToken }: Visitor,
  { provider, proposal, canChoose }: Question,
  { name, problem, status = 200 }: { name: string; problem?: string | undefined; status?: number },
): void => {
  const { common, register: say, providers, lang } = words
  const field = canChoose
    ? html`<label for="user">${common.userName}</label>
<input id="user" name="user" value="${name}" required autofocus autocomplete="username" autocapitalize="none" spellcheck="false" aria-describedby="user-hint">
<small id="user-hint">${say.userHint(serverName)}</small>`
    : html`<dl><dt>${common.userName}</dt><dd>@${proposal}:${serverName}</dd></dl>`
  sendPage(
    context,
    status,
    say.title(serverName),
    html`<h1>${say.title(serverName)}</h1>
<p>${providers.newHere(provider)}</p>
${alertOf(problem)}
<form method="post">
${formToken}
${field}
${termsField(say.terms, registration.terms(lang))}
<button name="do" value="create">${say.button}</button>
</form>`,
    { lang },
  )
}

import { randomUUID } from 'node:crypto'
import type { Clock } from '../../core/clock.ts'
import { MatrixError } from '../../core/errors.ts'
import type { JsonObject } from '../../core/json.ts'
import type { PageWords } from '../../core/page-words/index.ts'
import type { RateLimitBucket } from '../../spec/operation.ts'
import { readBody } from '../body.ts'
import { factsOf, type PageContext, type Pages } from '../pages.ts'
import { alertOf } from './browser.ts'
import { type Html, html, sendPage } from './layout.ts'
import { operationWords } from './operation-words.ts'
import { type LanguageOptions, wordsOf } from './page-language.ts'
import { problemOf } from './problem-words.ts'

/** A stage that somebody is about to pass in a browser. */
export interface PendingStage {
  /** What the stage shows, as the client gets it in `params`. */
  readonly params: JsonObject
  /** Whether it was passed already. */
  readonly isDone: boolean
  /** Method and path of what a client wants to do. */
  readonly operation: string
}

/** What the page needs of the accounts. */
export interface FallbackService {
  /** The stage of a session; `undefined` where there is no such session, or no such stage in it. */
  stage(sessionId: string, type: string): Promise<PendingStage | undefined>
  /** Attempts a stage. @throws {MatrixError} when it is not passed */
  submit(sessionId: string, type: string, auth: JsonObject): Promise<void>
  /** Sends an e-mail to show that an address is read. @throws {MatrixError} */
  sendEmail(sessionId: string, email: string, clientSecret: string): Promise<string>
}

export interface AuthFallbackOptions extends LanguageOptions {
  readonly fallback: FallbackService
  readonly clock: Clock
}

export const FALLBACK_PATHS: readonly string[] = ['v3', 'r0'].map(
  version => `/_matrix/client/${version}/auth/:type/fallback/web`,
)
const BODY_LIMIT = 16_384

/** "This page must use the following JavaScript when the authentication has been completed." */
const DONE_SCRIPT = `if (window.onAuthDone) {
    window.onAuthDone();
} else if (window.opener && window.opener.postMessage) {
    window.opener.postMessage("authDone", "*");
}`

/** What a page says and asks. The form goes back to where it came from. */
interface Question {
  readonly title: string
  readonly form: Html
  readonly button: string
}

/**
 * Adds the fallback pages of user-interactive authentication: "Clients cannot be expected to be able to know how to
 * process every single login type", so that a browser can pass each stage that this server has.
 */
export const addAuthFallback = (pages: Pages, options: AuthFallbackOptions): void => {
  for (const path of FALLBACK_PATHS) {
    pages.get(path, context => show(context, options))
    pages.post(path, context => submit(context, options))
  }
}

/** What an attempt counts as: no more of them here than where clients make them. */
const bucketOf = (type: string, isMail: boolean): RateLimitBucket => {
  if (isMail) return 'third-party-token'
  return type === 'm.login.password' ? 'login' : 'register'
}

const textOf = (value: unknown): string => (typeof value === 'string' ? value : '')

/** What `M_FORBIDDEN` means at a stage. */
const FORBIDDEN = { 'm.login.registration_token': 'wrongToken', 'm.login.password': 'wrongPassword' } as const

const show = async (context: PageContext, options: AuthFallbackOptions): Promise<void> => {
  const { fallback } = options
  const words = wordsOf(context, options)
  const [type, session] = [textOf(context.params['type']), textOf(context.query['session'])]
  const stage = await fallback.stage(session, type)
  if (stage === undefined) return sendUnknown(context, words)
  if (stage.isDone) return sendDone(context, words)
  sendQuestion(context, words, 200, questionOf(type, stage, words))
}

const submit = async (context: PageContext, options: AuthFallbackOptions): Promise<void> => {
  if (!context.is('application/x-www-form-urlencoded')) {
    throw new MatrixError('M_UNRECOGNIZED', 'A form is expected', { status: 415 })
  }
  const { fallback, clock } = options
  const words = wordsOf(context, options)
  const [type, session] = [textOf(context.params['type']), textOf(context.query['session'])]
  const stage = await fallback.stage(session, type)
  if (stage === undefined) return sendUnknown(context, words)
  const fields = new URLSearchParams((await readBody(context.req, BODY_LIMIT, clock)).toString())
  const email = type === 'm.login.email.identity' ? fields.get('email') : null
  try {
    factsOf(context).limit(bucketOf(type, email !== null))
    if (email !== null) {
      const clientSecret = randomUUID()
      const sid = await fallback.sendEmail(session, email, clientSecret)
      return sendQuestion(context, words, 200, emailSent({ email, sid, clientSecret }, words))
    }
    if (!stage.isDone) await fallback.submit(session, type, answerOf(type, fields))
    sendDone(context, words)
  } catch (error) {
    const forbidden = Object.hasOwn(FORBIDDEN, type) ? FORBIDDEN[type as keyof typeof FORBIDDEN] : undefined
    const { status, text } = problemOf(error, words, {
      ...(forbidden === undefined ? {} : { M_FORBIDDEN: forbidden }),
      ...{ M_UNAUTHORIZED: 'emailUnconfirmed', M_INVALID_PARAM: 'emailRefused' },
    })
    const field = (name: string): string => fields.get(name) ?? ''
    const sent = { email: field('address'), sid: field('sid'), clientSecret: field('client_secret') }
    const again = fields.has('sid') ? emailSent(sent, words) : questionOf(type, stage, words)
    sendQuestion(context, words, status, again, text)
  }
}

/** The members of `auth` that a form holds. */
const answerOf = (type: string, fields: URLSearchParams): JsonObject => {
  const field = (name: string): string => fields.get(name) ?? ''
  if (type === 'm.login.registration_token') return { token: field('token').trim() }
  if (type === 'm.login.password') {
    return { identifier: { type: 'm.id.user', user: field('user').trim() }, password: field('password') }
  }
  if (type === 'm.login.email.identity') {
    return { threepid_creds: { sid: field('sid'), client_secret: field('client_secret') } }
  }
  return {}
}

const questionOf = (type: string, { params, operation }: PendingStage, words: PageWords): Question => {
  const { common, providers, register, stages: say } = words
  if (type === 'm.login.terms') {
    return { title: say.terms, form: policies(params, words), button: say.accept }
  }
  if (type === 'm.login.registration_token') {
    return {
      title: say.token,
      form: html`<label for="token">${register.token}</label>
<input id="token" name="token" required autofocus autocomplete="off" spellcheck="false">`,
      button: words.link.button,
    }
  }
  if (type === 'm.login.password') {
    return {
      title: say.password,
      // Who holds somebody's access token can have them come here.
      form: html`<p>${operationWords(operation, words)}</p>
<p>${providers.confirmCareful}</p>
<label for="user">${common.userName}</label>
<input id="user" name="user" required autofocus autocomplete="username" autocapitalize="none" spellcheck="false">
<label for="password">${common.password}</label>
<input id="password" name="password" type="password" required autocomplete="current-password">`,
      button: say.confirm,
    }
  }
  if (type === 'm.login.email.identity') {
    return {
      title: say.email,
      form: html`<label for="email">${register.email}</label>
<input id="email" name="email" type="email" required autofocus autocomplete="email">`,
      button: register.emailButton,
    }
  }
  return { title: say.nothing, form: html`<p>${say.nothingNeeded}</p>`, button: words.link.button }
}

/** An address to which a link was sent, and what goes with it. */
interface SentEmail {
  readonly email: string
  readonly sid: string
  readonly clientSecret: string
}

const emailSent = ({ email, sid, clientSecret }: SentEmail, { stages: say }: PageWords): Question => ({
  title: say.emailSent,
  form: html`<p>${say.followLink(email)}</p>
<input type="hidden" name="address" value="${email}">
<input type="hidden" name="sid" value="${sid}">
<input type="hidden" name="client_secret" value="${clientSecret}">`,
  button: say.emailConfirmed,
})

/** The documents that are to be accepted, in the language of the page where they come in it, else in the first that they come in. */
const policies = (params: JsonObject, { lang }: PageWords): Html => {
  const all = Object.values((params['policies'] ?? {}) as Record<string, JsonObject>)
  const links = all.flatMap(policy => {
    const [first] = Object.values(policy).filter(value => typeof value === 'object')
    const own = Object.hasOwn(policy, lang) ? policy[lang] : undefined
    const { name, url } = (own ?? first ?? {}) as { name?: string; url?: string }
    return name === undefined || url === undefined ? [] : [html`<li><a href="${url}">${name}</a></li>`]
  })
  return { html: `<ul>${links.map(link => link.html).join('')}</ul>` }
}

const sendQuestion = (
  context: PageContext,
  { lang }: PageWords,
  status: number,
  { title, form, button }: Question,
  problem?: string,
): void => {
  sendPage(
    context,
    status,
    title,
    html`<h1>${title}</h1>
${alertOf(problem)}
<form method="post">
${form}
<button>${button}</button>
</form>`,
    { lang },
  )
}

/** "The homeserver then returns the user-interactive authentication fallback completion page." */
export const sendDone = (context: PageContext, { common, stages: say, lang }: PageWords): void =>
  sendPage(
    context,
    200,
    common.done,
    html`<h1>${common.done}</h1>
<p>${say.goBack} ${common.closePage}</p>`,
    { lang, script: DONE_SCRIPT },
  )

/** Says that there is no such stage to pass. */
export const sendUnknown = (context: PageContext, { stages: say, lang }: PageWords): void =>
  sendPage(
    context,
    404,
    say.unknown,
    html`<h1>${say.unknown}</h1>
<p>${say.unknownWhy}</p>`,
    { lang },
  )

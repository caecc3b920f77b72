import { randomUUID } from 'node:crypto'
import type { Clock } from '../../core/clock.ts'
import { MatrixError } from '../../core/errors.ts'
import type { JsonObject } from '../../core/json.ts'
import type { RateLimitBucket } from '../../spec/operation.ts'
import { readBody } from '../body.ts'
import { factsOf, type PageContext, type Pages } from '../pages.ts'
import { type Html, html, sendPage } from './layout.ts'

/** A stage that somebody is about to pass in a browser. */
export interface PendingStage {
  /** What the stage shows, as the client gets it in `params`. */
  readonly params: JsonObject
  /** Whether it was passed already. */
  readonly isDone: boolean
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

export interface AuthFallbackOptions {
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

const show = async (context: PageContext, { fallback }: AuthFallbackOptions): Promise<void> => {
  const [type, session] = [textOf(context.params['type']), textOf(context.query['session'])]
  const stage = await fallback.stage(session, type)
  if (stage === undefined) return sendUnknown(context)
  if (stage.isDone) return sendDone(context)
  sendQuestion(context, 200, questionOf(type, stage.params))
}

const submit = async (context: PageContext, options: AuthFallbackOptions): Promise<void> => {
  if (!context.is('application/x-www-form-urlencoded')) {
    throw new MatrixError('M_UNRECOGNIZED', 'A form is expected', { status: 415 })
  }
  const { fallback, clock } = options
  const [type, session] = [textOf(context.params['type']), textOf(context.query['session'])]
  const stage = await fallback.stage(session, type)
  if (stage === undefined) return sendUnknown(context)
  const fields = new URLSearchParams((await readBody(context.req, BODY_LIMIT, clock)).toString())
  const email = type === 'm.login.email.identity' ? fields.get('email') : null
  try {
    factsOf(context).limit(bucketOf(type, email !== null))
    if (email !== null) {
      const clientSecret = randomUUID()
      const sid = await fallback.sendEmail(session, email, clientSecret)
      return sendQuestion(context, 200, emailSent(email, sid, clientSecret))
    }
    if (!stage.isDone) await fallback.submit(session, type, answerOf(type, fields))
    sendDone(context)
  } catch (error) {
    if (!(error instanceof MatrixError)) throw error
    const again = fields.has('sid')
      ? emailSent('', fields.get('sid') ?? '', fields.get('client_secret') ?? '')
      : questionOf(type, stage.params)
    sendQuestion(context, error.status, again, error.message)
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

const questionOf = (type: string, params: JsonObject): Question => {
  if (type === 'm.login.terms') {
    return { title: 'Accept these documents', form: policies(params), button: 'Accept' }
  }
  if (type === 'm.login.registration_token') {
    return {
      title: 'Give the token that you were given',
      form: html`<label for="token">Registration token</label>
<input id="token" name="token" required autofocus autocomplete="off" spellcheck="false">`,
      button: 'Go on',
    }
  }
  if (type === 'm.login.password') {
    return {
      title: 'Confirm with your password',
      form: html`<label for="user">User name</label>
<input id="user" name="user" required autofocus autocomplete="username" autocapitalize="none" spellcheck="false">
<label for="password">Password</label>
<input id="password" name="password" type="password" required autocomplete="current-password">`,
      button: 'Confirm',
    }
  }
  if (type === 'm.login.email.identity') {
    return {
      title: 'Confirm your e-mail address',
      form: html`<label for="email">E-mail address</label>
<input id="email" name="email" type="email" required autofocus autocomplete="email">`,
      button: 'Send me a link',
    }
  }
  return { title: 'One more step', form: html`<p>Nothing more is needed.</p>`, button: 'Go on' }
}

const emailSent = (email: string, sid: string, clientSecret: string): Question => ({
  title: 'Follow the link that was sent to you',
  form: html`<p>A message with a link is on its way${email === '' ? '' : ` to ${email}`}. Open the link, confirm, and come back here.</p>
<input type="hidden" name="sid" value="${sid}">
<input type="hidden" name="client_secret" value="${clientSecret}">`,
  button: 'I have confirmed it',
})

/** The documents that are to be accepted, in the first language that each comes in. */
const policies = (params: JsonObject): Html => {
  const all = Object.values((params['policies'] ?? {}) as Record<string, JsonObject>)
  const links = all.flatMap(policy => {
    const [first] = Object.values(policy).filter(value => typeof value === 'object')
    const { name, url } = (first ?? {}) as { name?: string; url?: string }
    return name === undefined || url === undefined ? [] : [html`<li><a href="${url}">${name}</a></li>`]
  })
  return { html: `<ul>${links.map(link => link.html).join('')}</ul>` }
}

const sendQuestion = (
  context: PageContext,
  status: number,
  { title, form, button }: Question,
  problem?: string,
): void => {
  const alert = problem === undefined ? undefined : html`<p role="alert">${problem}</p>`
  sendPage(
    context,
    status,
    title,
    html`<h1>${title}</h1>
${alert}
<form method="post">
${form}
<button>${button}</button>
</form>`,
  )
}

/** "The homeserver then returns the user-interactive authentication fallback completion page." */
export const sendDone = (context: PageContext): void =>
  sendPage(
    context,
    200,
    'Done',
    html`<h1>Done</h1>
<p>Go back to your client; it goes on by itself. You can close this page.</p>`,
    { script: DONE_SCRIPT },
  )

/** Says that there is no such stage to pass. */
export const sendUnknown = (context: PageContext): void =>
  sendPage(
    context,
    404,
    'There is nothing to do here',
    html`<h1>There is nothing to do here</h1>
<p>This step is not asked for, or it has taken too long. Go back to your client and begin again.</p>`,
  )

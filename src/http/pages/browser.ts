import { hash, randomBytes } from 'node:crypto'
import type { Clock } from '../../core/clock.ts'
import type { PageWords } from '../../core/page-words/index.ts'
import { readBody } from '../body.ts'
import type { PageContext } from '../pages.ts'
import { type Html, html, sendPage } from './layout.ts'
import { type LanguageOptions, wordsOf } from './page-language.ts'

/** Somebody who is signed in. */
export interface BrowserUser {
  readonly userId: string
  readonly isSuspended: boolean
  readonly isAdmin: boolean
  /** Whether they can show with a password who they are. */
  readonly hasPassword: boolean
  /** Whether they have signed in just now. */
  readonly isRecent: boolean
  /** When they are so no longer (ms). */
  readonly expiresTs: number
  /** The session at a provider with which they have signed in. */
  readonly origin: string | undefined
}

/** What pages need of the accounts to know who looks at them. */
export interface BrowserService {
  user(secret: string): Promise<BrowserUser | undefined>
  signIn(name: string, password: string, ip: string): Promise<string>
  /** Signs somebody in who has shown otherwise who they are. */
  signInAs(userId: string): Promise<string>
  /** Begins another session in place of one that has ended, for as long as that had left. */
  goOn(ended: Pick<BrowserUser, 'userId' | 'expiresTs' | 'origin'>): Promise<string>
  signOut(secret: string): Promise<void>
}

/** What all pages have in common on which people sign in. */
export interface BrowserOptions extends LanguageOptions {
  readonly browsers: BrowserService
  readonly clock: Clock
  readonly serverName: string
  /** Where this server is reached: whether its cookies are for encrypted connections alone follows from it. */
  readonly baseUrl: string
}

/** Who looks at a page. */
export interface Visitor {
  /** What is in their cookie. */
  readonly secret: string
  readonly user: BrowserUser | undefined
  readonly words: PageWords
  /** To be put into each form: what no other site knows. */
  readonly formToken: Html
  /** The same, for links that do something. */
  readonly linkToken: string
}

/** Of where somebody is brought back after they were elsewhere, in characters: a request of a client with all that goes with it. */
export const MAX_RETURN_LENGTH = 8_192

const BODY_LIMIT = 32_768
const SECRET = /^[A-Za-z0-9_-]{40,100}$/

/** "A cookie whose name begins with `__Host-`" is of this host alone, and was set over an encrypted connection. */
const cookieOf = ({ baseUrl }: BrowserOptions): { name: string; attributes: string } =>
  baseUrl.startsWith('https:')
    ? { name: '__Host-tessera', attributes: 'Path=/; HttpOnly; SameSite=Lax; Secure' }
    : { name: 'tessera', attributes: 'Path=/; HttpOnly; SameSite=Lax' }

/** Gives a browser a cookie, until it is closed. */
export const setSecret = (context: PageContext, options: BrowserOptions, secret: string): void => {
  const { name, attributes } = cookieOf(options)
  context.set('Set-Cookie', `${name}=${secret}; ${attributes}`)
}

/** Who looks at a page; a browser that is here for the first time is given a cookie. */
export const visitorOf = async (context: PageContext, options: BrowserOptions): Promise<Visitor> => {
  const { name } = cookieOf(options)
  const cookies = (context.get('Cookie') ?? '').split(';').map(cookie => cookie.trim())
  const sent = cookies.find(cookie => cookie.startsWith(`${name}=`))?.slice(name.length + 1) ?? ''
  const isKnown = SECRET.test(sent)
  const secret = isKnown ? sent : randomBytes(32).toString('base64url')
  if (!isKnown) setSecret(context, options, secret)
  return {
    secret,
    user: isKnown ? await options.browsers.user(secret) : undefined,
    words: wordsOf(context, options),
    formToken: html`<input type="hidden" name="form" value="${formTokenOf(secret)}">`,
    linkToken: formTokenOf(secret),
  }
}

const formTokenOf = (secret: string): string => hash('sha256', `form ${secret}`, 'base64url')

/**
 * The fields of a form of ours. `undefined`, and a page that says so, where it is not: from another site, or of a
 * browser whose cookie has changed.
 */
export const formFields = async (
  context: PageContext,
  options: BrowserOptions,
  { secret, words }: Visitor,
): Promise<URLSearchParams | undefined> => {
  const fields = new URLSearchParams((await readBody(context.req, BODY_LIMIT, options.clock)).toString())
  const from = context.get('Sec-Fetch-Site')
  const isOurs = from === '' || from === 'same-origin' || from === 'none'
  const isForm = context.is('application/x-www-form-urlencoded') !== false
  if (isForm && isOurs && fields.get('form') === formTokenOf(secret)) return fields
  const { problems } = words
  sendNotice(context, words, 403, { title: problems.title, text: [problems.formExpired] })
  return undefined
}

/** A page that says something. */
export const sendNotice = (
  context: PageContext,
  { lang }: PageWords,
  status: number,
  { title, text, more }: { title: string; text: readonly string[]; more?: Html | undefined },
): void => {
  const paragraphs: Html = { html: text.map(line => html`<p>${line}</p>`.html).join('\n') }
  sendPage(context, status, title, html`<h1>${title}</h1>\n${paragraphs}\n${more}`, { lang })
}

/** Sends the browser on. */
export const goTo = (context: PageContext, url: string): void => {
  context.set({ Location: url, 'Referrer-Policy': 'no-referrer', 'Cache-Control': 'no-store' })
  context.status = 303
  context.body = ''
}

/** A link to where one is, with other values of some parameters; `undefined` removes one. */
export const sameWith = (
  context: PageContext,
  changed: Readonly<Record<string, string | undefined>>,
): string => {
  const query = new URLSearchParams(context.querystring)
  for (const [name, value] of Object.entries(changed)) {
    if (value === undefined) query.delete(name)
    else query.set(name, value)
  }
  return query.size === 0 ? context.path : `${context.path}?${query}`
}

/** What went wrong, above a form. */
export const alertOf = (problem: string | undefined): Html | undefined =>
  problem === undefined ? undefined : html`<p role="alert">${problem}</p>`

/** Names of hosts as CSP knows them: what else a URL may have there, such as `;`, would begin something else. */
const HOST_OF_POLICY = /^[a-z0-9.-]+$/

/** Where the answer to a form may lead, in the words of CSP: hosts that it has no words for, such as IPv6 addresses, by their scheme alone. */
export const formTargetOf = ({ origin, hostname, protocol }: URL): string =>
  origin === 'null' || !HOST_OF_POLICY.test(hostname) ? protocol : origin

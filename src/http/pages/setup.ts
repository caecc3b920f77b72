import type { Clock } from '../../core/clock.ts'
import { MatrixError } from '../../core/errors.ts'
import { readBody } from '../body.ts'
import type { PageContext, Pages } from '../pages.ts'
import { alertOf } from './browser.ts'
import { html, sendPage } from './layout.ts'
import { type LanguageOptions, wordsOf } from './page-language.ts'
import { problemOf } from './problem-words.ts'

/** What the page needs of the accounts. */
export interface SetupService {
  /** Whether a token would work now. */
  isOpen(token: string): Promise<boolean>
  /** Makes the first administrator; answers the user ID. Throws `M_FORBIDDEN` when the token no longer works. */
  createAdministrator(token: string, account: { username: string; password: string }): Promise<string>
}

export interface SetupPageOptions extends LanguageOptions {
  readonly setup: SetupService
  readonly clock: Clock
  readonly serverName: string
  /** Where clients reach this server, such as `http://localhost:8008`. */
  readonly baseUrl: string
  /** Whether one can chat in a browser at `/`. */
  readonly hasChat: boolean
  /** Of passwords, in characters. */
  readonly minimumPasswordLength: number
}

const BODY_LIMIT = 32_768

/**
 * Adds `/setup?token=…`, where whoever holds the link that the server printed at its first start makes the first
 * administrator. The token authorises the form as well, so that no other site can submit it.
 */
export const addSetupPage = (pages: Pages, options: SetupPageOptions): void => {
  pages.get('/setup', async context => {
    const { token } = context.query
    if (typeof token !== 'string' || !(await options.setup.isOpen(token))) return sendClosed(context, options)
    sendForm(context, options, 200, { token, username: '' })
  })
  pages.post('/setup', context => submit(context, options))
}

const submit = async (context: PageContext, options: SetupPageOptions): Promise<void> => {
  if (!context.is('application/x-www-form-urlencoded')) {
    throw new MatrixError('M_UNRECOGNIZED', 'A form is expected', { status: 415 })
  }
  const fields = new URLSearchParams((await readBody(context.req, BODY_LIMIT, options.clock)).toString())
  const field = (name: string): string => fields.get(name) ?? ''
  const [token, username, password] = [field('token'), field('username').trim(), field('password')]
  if (!(await options.setup.isOpen(token))) return sendClosed(context, options)
  const words = wordsOf(context, options)
  if (password !== field('password_again')) {
    const problem = words.problems.passwordsDiffer
    return sendForm(context, options, 400, { token, username, problem })
  }
  try {
    sendDone(context, options, await options.setup.createAdministrator(token, { username, password }))
  } catch (error) {
    if (error instanceof MatrixError && error.errcode === 'M_FORBIDDEN') return sendClosed(context, options)
    const { status, text: problem } = problemOf(error, words, { M_INVALID_PARAM: 'weakPassword' })
    sendForm(context, options, status, { token, username, problem })
  }
}

const sendForm = (
  context: PageContext,
  options: SetupPageOptions,
  status: number,
  { token, username, problem }: { token: string; username: string; problem?: string },
): void => {
  const { serverName, minimumPasswordLength: least } = options
  const { common, register, setup: say, lang } = wordsOf(context, options)
  sendPage(
    context,
    status,
    say.title,
    html`<h1>${say.heading(serverName)}</h1>
${alertOf(problem)}
<form method="post" action="/setup">
<input type="hidden" name="token" value="${token}">
<label for="username">${common.userName}</label>
<input id="username" name="username" value="${username}" required autofocus autocomplete="username" autocapitalize="none" spellcheck="false" aria-describedby="username-hint">
<small id="username-hint">${register.userHint(serverName)}</small>
<label for="password">${common.password}</label>
<input id="password" name="password" type="password" required minlength="${String(least)}" autocomplete="new-password" aria-describedby="password-hint">
<small id="password-hint">${register.passwordHint(least)}</small>
<label for="password_again">${register.again}</label>
<input id="password_again" name="password_again" type="password" required autocomplete="new-password">
<button>${register.button}</button>
</form>`,
    { lang },
  )
}

const sendDone = (context: PageContext, options: SetupPageOptions, userId: string): void => {
  const { setup: say, lang } = wordsOf(context, options)
  sendPage(
    context,
    200,
    say.made,
    html`<h1>${say.done(userId)}</h1>
<p>${say.next}</p>
<ol>
<li>${options.hasChat ? html`<a href="/">${say.chat}</a><br>` : undefined}${say.logIn(userId)} <code>${options.baseUrl}</code></li>
<li>${say.invite} <code>npx tessera token create</code><br>${say.makeAccounts} <code>npx tessera user create NAME</code></li>
<li>${say.check} <code>npx tessera doctor</code></li>
</ol>`,
    { lang },
  )
}

const sendClosed = (context: PageContext, options: SetupPageOptions): void => {
  const { setup: say, lang } = wordsOf(context, options)
  sendPage(
    context,
    403,
    say.closed,
    html`<h1>${say.closed}</h1>
<p>${say.closedWhy}</p>
<p>${say.again} <code>npx tessera user create NAME --admin</code></p>`,
    { lang },
  )
}

import type { Clock } from '../../core/clock.ts'
import { MatrixError } from '../../core/errors.ts'
import { readBody } from '../body.ts'
import type { PageContext, Pages } from '../pages.ts'
import { type Html, html, sendPage } from './layout.ts'

/** What the page needs of the accounts. */
export interface SetupService {
  /** Whether a token would work now. */
  isOpen(token: string): Promise<boolean>
  /** Makes the first administrator; answers the user ID. Throws `M_FORBIDDEN` when the token no longer works. */
  createAdministrator(token: string, account: { username: string; password: string }): Promise<string>
}

export interface SetupPageOptions {
  readonly setup: SetupService
  readonly clock: Clock
  readonly serverName: string
  /** Where clients reach this server, such as `http://localhost:8008`. */
  readonly baseUrl: string
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
    if (typeof token !== 'string' || !(await options.setup.isOpen(token))) return sendClosed(context)
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
  if (!(await options.setup.isOpen(token))) return sendClosed(context)
  if (password !== field('password_again')) {
    return sendForm(context, options, 400, { token, username, problem: 'The two passwords differ.' })
  }
  try {
    sendDone(context, options, await options.setup.createAdministrator(token, { username, password }))
  } catch (error) {
    if (!(error instanceof MatrixError)) throw error
    if (error.errcode === 'M_FORBIDDEN') return sendClosed(context)
    sendForm(context, options, error.status, { token, username, problem: error.message })
  }
}

const sendForm = (
  context: PageContext,
  { serverName, minimumPasswordLength }: SetupPageOptions,
  status: number,
  { token, username, problem }: { token: string; username: string; problem?: string },
): void => {
  const least = String(minimumPasswordLength)
  const alert: Html | undefined = problem === undefined ? undefined : html`<p role="alert">${problem}</p>`
  sendPage(
    context,
    status,
    'Create the administrator',
    html`<h1>Create the administrator of ${serverName}</h1>
${alert}
<form method="post" action="/setup">
<input type="hidden" name="token" value="${token}">
<label for="username">User name</label>
<input id="username" name="username" value="${username}" required autofocus autocomplete="username" autocapitalize="none" spellcheck="false" aria-describedby="username-hint">
<small id="username-hint">Others will see you as @name:${serverName}. Letters a–z, digits and . _ = - / +</small>
<label for="password">Password</label>
<input id="password" name="password" type="password" required minlength="${least}" autocomplete="new-password" aria-describedby="password-hint">
<small id="password-hint">At least ${least} characters.</small>
<label for="password_again">The password again</label>
<input id="password_again" name="password_again" type="password" required autocomplete="new-password">
<button>Create the account</button>
</form>`,
  )
}

const sendDone = (context: PageContext, { baseUrl }: SetupPageOptions, userId: string): void =>
  sendPage(
    context,
    200,
    'The administrator is made',
    html`<h1>Done: you are ${userId}</h1>
<p>This link works no more. What to do next:</p>
<ol>
<li>Open a Matrix client, choose <code>${baseUrl}</code> as its homeserver, and log in as <code>${userId}</code>.</li>
<li>Invite people: <code>npx tessera token create</code> makes a token that lets them register, once
<code>registration.mode</code> is <code>token</code>; or make their accounts yourself with
<code>npx tessera user create</code>.</li>
<li>See whether everything is in order: <code>npx tessera doctor</code>.</li>
</ol>`,
  )

const sendClosed = (context: PageContext): void =>
  sendPage(
    context,
    403,
    'This link does not work',
    html`<h1>This link does not work</h1>
<p>It was used already, is older than a day, or the server has an administrator.</p>
<p>If it has none, start the server again: it prints a new link. Or, beside it, run
<code>npx tessera user create NAME --admin</code>.</p>`,
  )

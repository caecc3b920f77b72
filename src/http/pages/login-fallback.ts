import type { PageWords } from '../../core/page-words/index.ts'
import type { Pages } from '../pages.ts'
import { type Html, html, sendPage } from './layout.ts'
import { type LanguageOptions, wordsOf } from './page-language.ts'

const PATH = '/_matrix/static/client/login/'

/**
 * Logs in from the form, with whatever else the query string says of the device: "Non-credential parameters valid for the
 * `/login` endpoint can be provided as query string parameters here." Or with the token with which one comes back from the page where others sign in.
 */
const SCRIPT = `const form = document.querySelector('form')
const problem = document.querySelector('[role=alert]')
const elsewhere = document.querySelector('a')
const query = new URLSearchParams(location.search)
const logIn = async body => {
  for (const name of ['device_id', 'initial_device_display_name']) if (query.has(name)) body[name] = query.get(name)
  if (query.get('refresh_token') === 'true') body.refresh_token = true
  problem.hidden = true
  try {
    const headers = { 'Content-Type': 'application/json' }
    const response = await fetch('/_matrix/client/v3/login', { method: 'POST', headers, body: JSON.stringify(body) })
    const answer = await response.json()
    if (!response.ok) throw new Error(answer.errcode === 'M_FORBIDDEN' && body.password !== undefined ? problem.dataset.wrong : answer.error)
    window.matrixLogin?.onLogin?.(answer)
    document.querySelector('main').textContent = problem.dataset.done
  } catch (error) {
    problem.textContent = error.message
    problem.hidden = false
  }
}
form?.addEventListener('submit', event => {
  event.preventDefault()
  const identifier = { type: 'm.id.user', user: form.user.value }
  return logIn({ type: 'm.login.password', identifier, password: form.password.value })
})
if (elsewhere) elsewhere.href = '/_matrix/client/v3/login/sso/redirect?' + new URLSearchParams({ redirectUrl: location.href })
if (query.has('loginToken')) logIn({ type: 'm.login.token', token: query.get('loginToken') })`

const passwordForm = ({ common, signIn }: PageWords): Html => html`<form method="post">
<label for="user">${common.userName}</label>
<input id="user" name="user" required autofocus autocomplete="username" autocapitalize="none" spellcheck="false">
<label for="password">${common.password}</label>
<input id="password" name="password" type="password" required autocomplete="current-password">
<button>${signIn.button}</button>
</form>`

/** Adds the page for clients that know no way to log in ("Login Fallback"). */
export const addLoginFallback = (
  pages: Pages,
  options: LanguageOptions & {
    readonly serverName: string
    readonly passwords: boolean
    readonly hasSso: boolean
  },
): void => {
  const { serverName, passwords, hasSso } = options
  pages.get(PATH, async context => {
    const words = wordsOf(context, options)
    const { clientLogin: say, problems, signIn, lang } = words
    sendPage(
      context,
      200,
      signIn.button,
      html`<h1>${signIn.title(serverName)}</h1>
<p role="alert" hidden data-wrong="${problems.wrongPassword}" data-done="${say.done}"></p>
${passwords ? passwordForm(words) : undefined}
${hasSso ? html`<p><a class="button">${say.elsewhere}</a></p>` : undefined}`,
      { script: SCRIPT, lang },
    )
  })
}

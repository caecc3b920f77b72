import { factsOf } from '../../pages.ts'
import { alertOf, setSecret } from '../browser.ts'
import { html, sendPage } from '../layout.ts'
import { problemOf } from '../problem-words.ts'
import { type AccountAction, backLink, type Call, say } from './action.ts'
import { overview } from './overview.ts'

/** `chat.tessera.password`: the user wants another password, which sessions of the OAuth 2.0 API cannot set. */
export const password: AccountAction = {
  async show(call) {
    if (!call.user.hasPassword) return overview.show(call)
    sendForm(call, 200, undefined)
  },
  async submit(call, fields) {
    const { context, options, user, visitor } = call
    const { words } = visitor
    const field = (name: string): string => fields.get(name) ?? ''
    if (field('password') !== field('password_again'))
      return sendForm(call, 400, words.problems.passwordsDiffer)
    try {
      factsOf(context).limit('login')
      await options.account.confirm(user.userId, field('current'))
      const logoutDevices = fields.has('end_others')
      await options.account.management.setPassword(user.userId, field('password'), { logoutDevices })
      // The new password has ended this session of the browser with all others.
      setSecret(context, options, await options.browsers.signInAs(user.userId))
      say(call, 200, words.account.changePassword, words.account.passwordChanged)
    } catch (error) {
      const special = { M_FORBIDDEN: 'wrongPassword', M_INVALID_PARAM: 'weakPassword' } as const
      const { status, text } = problemOf(error, words, special)
      sendForm(call, status, text)
    }
  },
}

const sendForm = (call: Call, status: number, problem: string | undefined): void => {
  const { words, formToken } = call.visitor
  const { account, register, lang } = words
  const least = call.options.registration.minimumPasswordLength
  sendPage(
    call.context,
    status,
    account.changePassword,
    html`<h1>${account.changePassword}</h1>
${alertOf(problem)}
<form method="post">
${formToken}
<input type="hidden" name="username" value="${call.user.userId}" autocomplete="username">
<label for="current">${account.currentPassword}</label>
<input id="current" name="current" type="password" required autofocus autocomplete="current-password">
<label for="password">${account.newPassword}</label>
<input id="password" name="password" type="password" required minlength="${String(least)}" autocomplete="new-password" aria-describedby="password-hint">
<small id="password-hint">${register.passwordHint(least)}</small>
<label for="password_again">${register.again}</label>
<input id="password_again" name="password_again" type="password" required autocomplete="new-password">
<label class="choice"><input type="checkbox" name="end_others" value="yes">${account.endOthers}</label>
<button name="do" value="change">${account.changePassword}</button>
</form>
${backLink(call)}`,
    { lang },
  )
}

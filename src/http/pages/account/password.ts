import { alertOf, setSecret } from '../browser.ts'
import { type Html, html, sendPage } from '../layout.ts'
import { problemOf } from '../problem-words.ts'
import { type AccountAction, backLink, type Call, say } from './action.ts'
import { canConfirm, confirm, signInOnceMore } from './confirmation.ts'
import { overview } from './overview.ts'

/**
 * `chat.tessera.password`: the user wants another password, which sessions of the OAuth 2.0 API cannot set; or one at all, who has signed in
 * with an account elsewhere until now.
 */
export const password: AccountAction = {
  async show(call) {
    if (!call.options.passwords) return overview.show(call)
    await sendForm(call, 200, undefined)
  },
  async submit(call, fields) {
    const { context, options, user, visitor } = call
    const { words } = visitor
    const field = (name: string): string => fields.get(name) ?? ''
    if (!options.passwords) return overview.show(call)
    if (!canConfirm(call)) return sendForm(call, 200, undefined)
    if (field('password') !== field('password_again'))
      return sendForm(call, 400, words.problems.passwordsDiffer)
    try {
      await confirm(call, fields, 'current')
      const logoutDevices = fields.has('end_others')
      await options.account.management.setPassword(user.userId, field('password'), { logoutDevices })
      // The new password has ended this session of the browser with all others.
      setSecret(context, options, await options.browsers.signInAs(user.userId))
      say(call, 200, titleOf(call), user.hasPassword ? words.account.passwordChanged : words.account.saved)
    } catch (error) {
      const special = { M_FORBIDDEN: 'wrongPassword', M_INVALID_PARAM: 'weakPassword' } as const
      const { status, text } = problemOf(error, words, special)
      await sendForm(call, status, text)
    }
  },
}

const titleOf = ({ user, visitor }: Call): string =>
  user.hasPassword ? visitor.words.account.changePassword : visitor.words.account.setPassword

const sendForm = async (call: Call, status: number, problem: string | undefined): Promise<void> => {
  const title = titleOf(call)
  sendPage(
    call.context,
    status,
    title,
    html`<h1>${title}</h1>
${alertOf(problem)}
${canConfirm(call) ? passwordForm(call) : await signInOnceMore(call)}
${backLink(call)}`,
    { lang: call.visitor.words.lang },
  )
}

const passwordForm = (call: Call): Html => {
  const { options, user, visitor } = call
  const { account, register } = visitor.words
  const least = options.registration.minimumPasswordLength
  const current = html`<label for="current">${account.currentPassword}</label>
<input id="current" name="current" type="password" required autofocus autocomplete="current-password">`
  return html`<form method="post">
${visitor.formToken}
<input type="hidden" name="username" value="${user.userId}" autocomplete="username">
${user.hasPassword ? current : undefined}
<label for="password">${account.newPassword}</label>
<input id="password" name="password" type="password" required minlength="${String(least)}" autocomplete="new-password" aria-describedby="password-hint">
<small id="password-hint">${register.passwordHint(least)}</small>
<label for="password_again">${register.again}</label>
<input id="password_again" name="password_again" type="password" required autocomplete="new-password">
<label class="choice"><input type="checkbox" name="end_others" value="yes">${account.endAll}</label>
<button name="do" value="change">${titleOf(call)}</button>
</form>`
}

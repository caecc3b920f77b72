import { factsOf } from '../../pages.ts'
import { alertOf, sendNotice } from '../browser.ts'
import { type Html, html, sendPage } from '../layout.ts'
import { problemOf } from '../problem-words.ts'
import { providerLinks } from '../sign-in.ts'
import { type AccountAction, backLink, type Call } from './action.ts'

/** `org.matrix.account_deactivate`: "the user wishes to deactivate their account". */
export const deactivation: AccountAction = {
  async show(call) {
    sendForm(call, 200, undefined)
  },
  async submit(call, fields) {
    const { context, options, user, visitor } = call
    const { words } = visitor
    if (!user.hasPassword && !user.isRecent) return sendForm(call, 200, undefined)
    try {
      factsOf(context).limit('login')
      if (user.hasPassword) await options.account.confirm(user.userId, fields.get('password') ?? '')
    } catch (error) {
      const { status, text } = problemOf(error, words, { M_FORBIDDEN: 'wrongPassword' })
      return sendForm(call, status, text)
    }
    await options.account.threepids.unbindAll(user.userId, undefined)
    await options.account.management.deactivate(user.userId, { erase: fields.has('erase') })
    const text = [words.account.deactivated, words.common.closePage]
    sendNotice(context, words, 200, { title: words.common.done, text })
  },
}

const sendForm = (call: Call, status: number, problem: string | undefined): void => {
  const { account: words, common, lang } = call.visitor.words
  const { hasPassword, isRecent } = call.user
  sendPage(
    call.context,
    status,
    words.deactivate,
    html`<h1>${words.deactivate}</h1>
<p>${common.signedInAs(call.user.userId)}</p>
<p>${words.deactivateWarning}</p>
${alertOf(problem)}
${hasPassword || isRecent ? deactivationForm(call) : signInOnceMore(call)}
${backLink(call)}`,
    { lang },
  )
}

const deactivationForm = ({ user, visitor }: Call): Html => {
  const { account: words, common } = visitor.words
  const password = html`<label for="password">${common.password}</label>
<input id="password" name="password" type="password" required autocomplete="current-password">`
  return html`<form method="post">
${visitor.formToken}
${user.hasPassword ? password : undefined}
<label class="choice"><input type="checkbox" name="erase" value="yes">${words.erase}</label>
<button class="danger" name="do" value="deactivate">${words.deactivateButton}</button>
</form>`
}

/** Whoever has no password shows so that it is them. */
const signInOnceMore = ({
  context,
  options,
  visitor,
}: Call): Html => html`<p>${visitor.words.providers.onceMore}</p>
${providerLinks(context, options, visitor.words, { anew: 'true' })}`

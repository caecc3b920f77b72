import { alertOf, sendNotice } from '../browser.ts'
import { type Html, html, sendPage } from '../layout.ts'
import { problemOf } from '../problem-words.ts'
import { type AccountAction, backLink, type Call } from './action.ts'
import { canConfirm, confirm, passwordField, signInOnceMore } from './confirmation.ts'

/** `org.matrix.account_deactivate`: "the user wishes to deactivate their account". */
export const deactivation: AccountAction = {
  async show(call) {
    await sendForm(call, 200, undefined)
  },
  async submit(call, fields) {
    const { context, options, user, visitor } = call
    const { words } = visitor
    if (!canConfirm(call)) return sendForm(call, 200, undefined)
    try {
      await confirm(call, fields)
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

const sendForm = async (call: Call, status: number, problem: string | undefined): Promise<void> => {
  const { account: words, common, lang } = call.visitor.words
  sendPage(
    call.context,
    status,
    words.deactivate,
    html`<h1>${words.deactivate}</h1>
<p>${common.signedInAs(call.user.userId)}</p>
<p>${words.deactivateWarning}</p>
${alertOf(problem)}
${canConfirm(call) ? deactivationForm(call) : await signInOnceMore(call)}
${backLink(call)}`,
    { lang },
  )
}

const deactivationForm = (call: Call): Html => {
  const { account: words } = call.visitor.words
  return html`<form method="post">
${call.visitor.formToken}
${passwordField(call)}
<label class="choice"><input type="checkbox" name="erase" value="yes">${words.erase}</label>
<button class="danger" name="do" value="deactivate">${words.deactivateButton}</button>
</form>`
}

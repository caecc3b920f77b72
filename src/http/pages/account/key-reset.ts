import { alertOf } from '../browser.ts'
import { type Html, html, sendPage } from '../layout.ts'
import { problemOf } from '../problem-words.ts'
import { type AccountAction, backLink, type Call, nameOf, type ShownDevice, say } from './action.ts'
import { canConfirm, confirm, passwordField, signInOnceMore } from './confirmation.ts'
import { deviceIfNamed } from './sessions.ts'

/** `org.matrix.cross_signing_reset`: "the user wishes to reset their cross-signing identity". */
export const keyReset: AccountAction = {
  async show(call) {
    const from = await deviceIfNamed(call)
    if (from !== 'none of theirs') await sendForm(call, from, { status: 200 })
  },
  async submit(call, fields) {
    const from = await deviceIfNamed(call)
    if (from === 'none of theirs') return
    const { account: words } = call.visitor.words
    if (fields.get('do') !== 'reset' || !canConfirm(call)) return sendForm(call, from, { status: 200 })
    try {
      await confirm(call, fields)
    } catch (error) {
      return sendForm(call, from, problemOf(error, call.visitor.words, { M_FORBIDDEN: 'wrongPassword' }))
    }
    await call.options.account.approveKeyReset(call.user.userId, call.deviceId)
    say(call, 200, words.resetKeys, words.resetDone)
  },
}

const sendForm = async (
  call: Call,
  device: ShownDevice | undefined,
  { status, text }: { readonly status: number; readonly text?: string },
): Promise<void> => {
  const { account: words, lang } = call.visitor.words
  const from = device && html`<p>${words.resetFrom(nameOf(device, words.unnamed))}</p>`
  sendPage(
    call.context,
    status,
    words.resetKeys,
    html`<h1>${words.resetKeys}</h1>
<p>${words.resetWarning}</p>
${from}
${alertOf(text)}
${canConfirm(call) ? resetForm(call) : await signInOnceMore(call)}
${backLink(call)}`,
    { lang },
  )
}

const resetForm = (call: Call): Html => html`<form method="post">
${call.visitor.formToken}
${passwordField(call)}
<button class="danger" name="do" value="reset">${call.visitor.words.account.resetAllow}</button>
</form>`

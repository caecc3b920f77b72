import { html, sendPage } from '../layout.ts'
import { type AccountAction, backLink, nameOf, say } from './action.ts'
import { ownDevice } from './sessions.ts'

/** `org.matrix.cross_signing_reset`: "the user wishes to reset their cross-signing identity". */
export const keyReset: AccountAction = {
  async show(call) {
    const { account: words, lang } = call.visitor.words
    const device = call.deviceId === undefined ? undefined : await ownDevice(call, call.deviceId)
    if (device === undefined && call.deviceId !== undefined) return
    const from = device && html`<p>${words.resetFrom(nameOf(device, words.unnamed))}</p>`
    sendPage(
      call.context,
      200,
      words.resetKeys,
      html`<h1>${words.resetKeys}</h1>
<p>${words.resetWarning}</p>
${from}
<form method="post">
${call.visitor.formToken}
<button class="danger" name="do" value="reset">${words.resetAllow}</button>
</form>
${backLink(call)}`,
      { lang },
    )
  },
  async submit(call, fields) {
    if (fields.get('do') !== 'reset') return this.show(call)
    if (call.deviceId !== undefined && (await ownDevice(call, call.deviceId)) === undefined) return
    await call.options.account.approveKeyReset(call.user.userId, call.deviceId)
    const { account: words } = call.visitor.words
    say(call, 200, words.resetKeys, words.resetDone)
  },
}

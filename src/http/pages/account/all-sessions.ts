import { setSecret } from '../browser.ts'
import { html, sendPage } from '../layout.ts'
import { type AccountAction, linkTo, nameOf, say } from './action.ts'
import { deviceIfNamed } from './sessions.ts'

/**
 * `chat.tessera.sessions_end`: the user wants to be signed out everywhere, as where something of theirs was lost or somebody else has
 * got in; but for one session, where `device_id` names it.
 */
export const allSessionsEnd: AccountAction = {
  async show(call) {
    const kept = await deviceIfNamed(call)
    if (kept === 'none of theirs') return
    const { account: words, common, lang } = call.visitor.words
    const title = kept === undefined ? words.endAllQuestion : words.endOthersQuestion
    const stays = kept && html`<p>${words.thisStays(nameOf(kept, words.unnamed))}</p>`
    sendPage(
      call.context,
      200,
      title,
      html`<h1>${title}</h1>
${stays}
<p>${words.endAllWarning}</p>
<form method="post">
${call.visitor.formToken}
<button class="danger" name="do" value="end">${kept === undefined ? words.endAll : words.endOthers}</button>
</form>
<p>${linkTo(call, common.cancel, { action: 'org.matrix.devices_list' })}</p>`,
      { lang },
    )
  },
  async submit(call, fields) {
    const kept = await deviceIfNamed(call)
    if (kept === 'none of theirs') return
    if (fields.get('do') !== 'end') return this.show(call)
    const { context, options, user, visitor } = call
    await options.account.devices.removeAll(user.userId, kept?.device_id)
    // The session of this browser has ended with all others. Whoever is before it stays, but has not shown anew who they are.
    setSecret(context, options, await options.browsers.goOn(user))
    say(call, 200, visitor.words.account.sessions, visitor.words.account.allEnded)
  },
}

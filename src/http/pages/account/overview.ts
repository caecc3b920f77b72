import { html, sendPage } from '../layout.ts'
import { type AccountAction, linkTo } from './action.ts'

/** What is shown where no action is asked for: all of them. */
export const overview: AccountAction = {
  async show(call) {
    const { words, formToken } = call.visitor
    const { account: say, common, providers, lang } = words
    const { canSendEmail, threepids } = call.options.account
    const hasAddresses = canSendEmail || (await threepids.addressesOf(call.user.userId)).length > 0
    const item = (text: string, action: string): string =>
      html`<li>${linkTo(call, text, { action })}</li>`.html
    const passwordItem = call.user.hasPassword ? say.changePassword : say.setPassword
    const items = [
      item(say.profile, 'org.matrix.profile'),
      item(say.sessions, 'org.matrix.devices_list'),
      ...(hasAddresses ? [item(say.addressesTitle, 'chat.tessera.addresses')] : []),
      ...(call.options.passwords ? [item(passwordItem, 'chat.tessera.password')] : []),
      ...(call.options.providers.offered.length > 0 ? [item(providers.title, 'chat.tessera.providers')] : []),
      item(say.resetKeys, 'org.matrix.cross_signing_reset'),
      item(say.deactivate, 'org.matrix.account_deactivate'),
    ]
    sendPage(
      call.context,
      200,
      say.title,
      html`<h1>${say.title}</h1>
<p>${common.signedInAs(call.user.userId)}</p>
<ul>${{ html: items.join('\n') }}</ul>
<form method="post">
${formToken}
<button class="plain" name="do" value="sign-out">${say.signOut}</button>
</form>`,
      { lang },
    )
  },
  async submit(call) {
    await this.show(call)
  },
}

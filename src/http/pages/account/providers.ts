import { sameWith } from '../browser.ts'
import { html, sendPage } from '../layout.ts'
import { type AccountAction, backLink } from './action.ts'

/** `chat.tessera.providers`: with which accounts elsewhere the user signs in, and could as well. */
export const providers: AccountAction = {
  async show(call) {
    const { context, options, user, visitor } = call
    const { providers: say, lang } = visitor.words
    const query = { return: sameWith(context, {}), connects: 'true', form: visitor.linkToken }
    const items = (await options.account.providersOf(user.userId)).map(({ id, name, isLinked }) =>
      isLinked
        ? html`<li>${say.connected(name)}</li>`.html
        : html`<li><a href="${options.providerPath(id, query)}">${say.connect(name)}</a></li>`.html,
    )
    sendPage(
      context,
      200,
      say.title,
      html`<h1>${say.title}</h1>
<ul>${{ html: items.join('\n') }}</ul>
${backLink(call)}`,
      { lang },
    )
  },
  async submit(call) {
    await this.show(call)
  },
}

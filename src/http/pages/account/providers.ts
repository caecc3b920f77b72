import { alertOf, sameWith } from '../browser.ts'
import { type Html, html, sendPage } from '../layout.ts'
import { problemOf } from '../problem-words.ts'
import { linksTo, type OfferedProvider } from '../sign-in.ts'
import { type AccountAction, backLink, type Call } from './action.ts'
import { canConfirm, confirm, passwordField, signInOnceMore } from './confirmation.ts'

/** `chat.tessera.providers`: with which accounts elsewhere the user signs in, and could as well, once they have confirmed it. */
export const providers: AccountAction = {
  async show(call) {
    await sendProviders(call, 200, undefined)
  },
  async submit(call, fields) {
    const { options, user, visitor } = call
    const id = fields.get('provider')
    const all = await options.account.providersOf(user.userId)
    const wanted = all.find(one => one.id === id && !one.isLinked)
    if (wanted === undefined || !canConfirm(call)) return sendProviders(call, 200, undefined)
    try {
      await confirm(call, fields)
      const permit = await options.account.permitConnecting(wanted.id, visitor.secret, user.userId)
      sendWay(call, wanted, permit)
    } catch (error) {
      const { status, text } = problemOf(error, visitor.words, { M_FORBIDDEN: 'wrongPassword' })
      await sendProviders(call, status, text)
    }
  },
}

const sendProviders = async (call: Call, status: number, problem: string | undefined): Promise<void> => {
  const { context, options, user, visitor } = call
  const { providers: say, lang } = visitor.words
  const all = await options.account.providersOf(user.userId)
  const connected = all.filter(({ isLinked }) => isLinked)
  const others = all.filter(({ isLinked }) => !isLinked)
  const list = html`<ul>${joined(connected.map(({ name }) => html`<li>${say.connected(name)}</li>`))}</ul>`
  sendPage(
    context,
    status,
    say.title,
    html`<h1>${say.title}</h1>
${alertOf(problem)}
${connected.length > 0 ? list : undefined}
${others.length > 0 ? await waysToConnect(call, others) : undefined}
${backLink(call)}`,
    { lang },
  )
}

const waysToConnect = async (call: Call, others: readonly OfferedProvider[]): Promise<Html> => {
  if (!canConfirm(call)) return signInOnceMore(call)
  const { providers: say } = call.visitor.words
  const buttons = others.map(
    ({ id, name }) => html`<button name="provider" value="${id}">${say.connect(name)}</button>`,
  )
  return html`<form method="post">
${call.visitor.formToken}
${passwordField(call)}
${joined(buttons)}
</form>`
}

const joined = (parts: readonly Html[]): Html => ({ html: parts.map(part => part.html).join('\n') })

/** Shows the way to the provider: a form cannot lead there (`addProviderPages`). */
const sendWay = ({ context, options, visitor }: Call, provider: OfferedProvider, permit: string): void => {
  const { words, linkToken } = visitor
  const { providers: say, common, lang } = words
  const back = sameWith(context, {})
  const query = { return: back, connects: permit, form: linkToken }
  sendPage(
    context,
    200,
    say.title,
    html`<h1>${say.connect(provider.name)}</h1>
${linksTo([provider], one => options.providerPath(one.id, query), words)}
<p><a href="${back}">${common.cancel}</a></p>`,
    { lang },
  )
}

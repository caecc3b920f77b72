import { alertOf, sameWith } from '../browser.ts'
import { type Html, html, sendPage } from '../layout.ts'
import { problemOf } from '../problem-words.ts'
import { linksTo, type OfferedProvider } from '../sign-in.ts'
import { type AccountAction, backLink, type Call, linkTo, say } from './action.ts'
import { canConfirm, confirm, passwordField, signInOnceMore } from './confirmation.ts'

/**
 * `chat.tessera.providers`: with which accounts elsewhere the user signs in, and could as well, or no longer (`disconnect` in the query),
 * once they have confirmed it.
 */
export const providers: AccountAction = {
  async show(call) {
    const ending = await endingOf(call)
    if (ending !== undefined) await sendEnding(call, ending, 200, undefined)
    else await sendProviders(call, 200, undefined)
  },
  async submit(call, fields) {
    const ending = await endingOf(call)
    if (ending !== undefined) return disconnect(call, ending, fields)
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
  const canEnd = user.hasPassword || connected.length > 1
  const items = connected.map(
    one => html`<li>${say.connected(one.name)}${canEnd ? linkToEnd(call, one) : undefined}</li>`,
  )
  const list = html`<ul>${joined(items)}</ul>`
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

const ACTION = 'chat.tessera.providers'

const linkToEnd = (call: Call, { id, name }: OfferedProvider): Html =>
  html` <small>${linkTo(call, call.visitor.words.providers.disconnect(name), { action: ACTION, disconnect: id })}</small>`

/** The provider with which the user wants to sign in no longer, if they do with it and do not have to. */
const endingOf = async ({ context, options, user }: Call): Promise<OfferedProvider | undefined> => {
  const id = new URLSearchParams(context.querystring).get('disconnect')
  if (id === null) return undefined
  const connected = (await options.account.providersOf(user.userId)).filter(({ isLinked }) => isLinked)
  return user.hasPassword || connected.length > 1 ? connected.find(one => one.id === id) : undefined
}

const disconnect = async (call: Call, provider: OfferedProvider, fields: URLSearchParams): Promise<void> => {
  const { options, user, visitor } = call
  if (fields.get('do') !== 'disconnect' || !canConfirm(call))
    return sendEnding(call, provider, 200, undefined)
  try {
    await confirm(call, fields)
    await options.account.disconnect(user.userId, provider.id)
    say(call, 200, visitor.words.providers.title, visitor.words.account.saved)
  } catch (error) {
    const { status, text } = problemOf(error, visitor.words, { M_FORBIDDEN: 'wrongPassword' })
    await sendEnding(call, provider, status, text)
  }
}

const sendEnding = async (
  call: Call,
  { name }: OfferedProvider,
  status: number,
  problem: string | undefined,
): Promise<void> => {
  const { common, providers: words, lang } = call.visitor.words
  const title = words.disconnect(name)
  const form = html`<form method="post">
${call.visitor.formToken}
${passwordField(call)}
<button class="danger" name="do" value="disconnect">${title}</button>
</form>`
  sendPage(
    call.context,
    status,
    title,
    html`<h1>${title}</h1>
<p>${words.disconnectMeans(name)}</p>
${alertOf(problem)}
${canConfirm(call) ? form : await signInOnceMore(call)}
<p>${linkTo(call, common.cancel, { action: ACTION })}</p>`,
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

import { factsOf } from '../../pages.ts'
import { alertOf } from '../browser.ts'
import { type Html, html, sendPage } from '../layout.ts'
import { problemOf } from '../problem-words.ts'
import { type AccountAction, backLink, type Call, say } from './action.ts'
import { canConfirm, confirm, passwordField, signInOnceMore } from './confirmation.ts'

/** An address to which a link was sent. */
interface Sent {
  readonly address: string
  readonly sid: string
  readonly clientSecret: string
}

/**
 * `chat.tessera.addresses`: the user adds an e-mail address to their account, or removes one, which sessions of the OAuth 2.0 API
 * cannot. Who reads the mail of an address can set another password: so it is added by whoever shows that they are the user.
 */
export const addresses: AccountAction = {
  async show(call) {
    await sendAddresses(call, 200, undefined)
  },
  async submit(call, fields) {
    const { context, options, user, visitor } = call
    const { account: words } = visitor.words
    const field = (name: string): string => fields.get(name) ?? ''
    const { threepids } = options.account
    const removed = fields.get('remove')
    if (removed !== null) {
      if (user.isSuspended) return sendAddresses(call, 403, visitor.words.problems.suspended)
      await threepids.delete(user.userId, { medium: 'email', address: removed })
      return say(call, 200, words.addressesTitle, words.saved)
    }
    if (!canConfirm(call)) return sendAddresses(call, 200, undefined)
    const [address, sid] = [field('email').trim(), field('sid')]
    const sent = sid === '' ? undefined : { address, sid, clientSecret: field('client_secret') }
    try {
      if (sent === undefined) {
        factsOf(context).limit('third-party-token')
        return sendProof(call, 200, { address, ...(await options.account.sendEmail(address)) }, undefined)
      }
      await confirm(call, fields)
      await threepids.add(user.userId, sent)
      say(call, 200, words.addressesTitle, words.saved)
    } catch (error) {
      const special = { M_FORBIDDEN: 'wrongPassword', M_INVALID_PARAM: 'emailRefused' } as const
      const { status, text } = problemOf(error, visitor.words, special)
      if (sent === undefined) await sendAddresses(call, status, text)
      else sendProof(call, status, sent, text)
    }
  },
}

const sendAddresses = async (call: Call, status: number, problem: string | undefined): Promise<void> => {
  const { account: words, lang } = call.visitor.words
  const all = await call.options.account.threepids.addressesOf(call.user.userId)
  const { formToken } = call.visitor
  const items = all.map(
    address =>
      html`<li>${address} <button class="link" name="remove" value="${address}">${words.removeAddress}</button></li>`
        .html,
  )
  const list = html`<form method="post">${formToken}<ul>${{ html: items.join('\n') }}</ul></form>`
  sendPage(
    call.context,
    status,
    words.addressesTitle,
    html`<h1>${words.addressesTitle}</h1>
${alertOf(problem)}
${items.length === 0 ? undefined : list}
${canConfirm(call) ? addressForm(call) : await signInOnceMore(call)}
${backLink(call)}`,
    { lang },
  )
}

const addressForm = ({ visitor: { words, formToken } }: Call): Html => html`<form method="post">
${formToken}
<label for="email">${words.account.addAddress}</label>
<input id="email" name="email" type="email" required autocomplete="email" aria-describedby="email-hint">
<small id="email-hint">${words.register.emailWhy}</small>
<button>${words.register.emailButton}</button>
</form>`

const sendProof = (
  call: Call,
  status: number,
  { address, sid, clientSecret }: Sent,
  problem: string | undefined,
): void => {
  const { account: words, register, lang } = call.visitor.words
  sendPage(
    call.context,
    status,
    words.addressesTitle,
    html`<h1>${words.addressesTitle}</h1>
${alertOf(problem)}
<p>${register.emailSent(address)}</p>
<form method="post">
${call.visitor.formToken}
<input type="hidden" name="email" value="${address}">
<input type="hidden" name="sid" value="${sid}">
<input type="hidden" name="client_secret" value="${clientSecret}">
${passwordField(call)}
<button>${words.addAddress}</button>
</form>
${backLink(call)}`,
    { lang },
  )
}

import { factsOf } from '../../pages.ts'
import { alertOf } from '../browser.ts'
import { type Html, html, sendPage } from '../layout.ts'
import { problemOf } from '../problem-words.ts'
import { type AccountAction, backLink, type Call, linkTo, type SentAddress, say } from './action.ts'
import { ADDRESSES, addressToRemove, removeAddress, sendRemoval } from './address-removal.ts'
import { canConfirm, confirm, passwordField, signInOnceMore } from './confirmation.ts'

/** An address to which a link was sent. */
interface Sent extends SentAddress {
  readonly address: string
}

/**
 * `chat.tessera.addresses`: the user adds an e-mail address to their account, or removes one (`remove` in the query), which sessions of the
 * OAuth 2.0 API cannot. Who reads the mail of an address can set another password: so both is for whoever shows that they are the user.
 */
export const addresses: AccountAction = {
  async show(call) {
    const removed = await addressToRemove(call)
    if (removed !== undefined) await sendRemoval(call, removed, 200, undefined)
    else await sendAddresses(call, 200, undefined)
  },
  async submit(call, fields) {
    const removed = await addressToRemove(call)
    if (removed !== undefined) return removeAddress(call, removed, fields)
    const { context, options, user, visitor } = call
    const { account: words } = visitor.words
    const field = (name: string): string => fields.get(name) ?? ''
    const { account } = options
    const [address, sid] = [field('email').trim(), field('sid')]
    const sent =
      sid === '' ? undefined : { address, sid, clientSecret: field('client_secret'), permit: field('permit') }
    const isConfirmed =
      sent !== undefined && !user.hasPassword && (await account.isSentFor(user.userId, sent))
    if (!isConfirmed && !canConfirm(call)) return sendAddresses(call, 200, undefined)
    try {
      if (sent === undefined) {
        factsOf(context).limit('third-party-token')
        const proof = { address, ...(await account.sendEmail(user.userId, address)) }
        return sendProof(call, 200, proof, undefined)
      }
      if (!isConfirmed) await confirm(call, fields)
      await account.threepids.add(user.userId, sent)
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
  const { canSendEmail, threepids } = call.options.account
  const items = (await threepids.addressesOf(call.user.userId)).map(
    address =>
      html`<li>${address} <small>${linkTo(call, words.removeAddress, { action: ADDRESSES, remove: address })}</small></li>`
        .html,
  )
  sendPage(
    call.context,
    status,
    words.addressesTitle,
    html`<h1>${words.addressesTitle}</h1>
${alertOf(problem)}
${items.length === 0 ? undefined : { html: `<ul>${items.join('\n')}</ul>` }}
${canSendEmail ? await wayToAdd(call) : undefined}
${backLink(call)}`,
    { lang },
  )
}

const wayToAdd = async (call: Call): Promise<Html> =>
  canConfirm(call) ? addressForm(call) : signInOnceMore(call)

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
  { address, sid, clientSecret, permit }: Sent,
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
<input type="hidden" name="permit" value="${permit}">
${passwordField(call)}
<button>${words.addAddress}</button>
</form>
${backLink(call)}`,
    { lang },
  )
}

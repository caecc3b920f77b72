import { alertOf } from '../browser.ts'
import { html, sendPage } from '../layout.ts'
import { problemOf } from '../problem-words.ts'
import { type Call, linkTo, say } from './action.ts'
import { canConfirm, confirm, passwordField, signInOnceMore } from './confirmation.ts'

/** The action that this belongs to. */
export const ADDRESSES = 'chat.tessera.addresses'

/** The address that the user wants to remove, if it is one of theirs. */
export const addressToRemove = async ({ context, options, user }: Call): Promise<string | undefined> => {
  const wanted = new URLSearchParams(context.querystring).get('remove')
  if (wanted === null) return undefined
  return (await options.account.threepids.addressesOf(user.userId)).find(address => address === wanted)
}

/** Removes it, where the user has confirmed that. */
export const removeAddress = async (call: Call, address: string, fields: URLSearchParams): Promise<void> => {
  const { options, user, visitor } = call
  const { account: words, problems } = visitor.words
  if (user.isSuspended) return sendRemoval(call, address, 403, problems.suspended)
  if (fields.get('do') !== 'remove' || !canConfirm(call)) return sendRemoval(call, address, 200, undefined)
  try {
    await confirm(call, fields)
    await options.account.threepids.delete(user.userId, { medium: 'email', address })
    say(call, 200, words.addressesTitle, words.saved)
  } catch (error) {
    const { status, text } = problemOf(error, visitor.words, { M_FORBIDDEN: 'wrongPassword' })
    await sendRemoval(call, address, status, text)
  }
}

/** Asks whether that is wanted. */
export const sendRemoval = async (
  call: Call,
  address: string,
  status: number,
  problem: string | undefined,
): Promise<void> => {
  const { account: words, common, lang } = call.visitor.words
  const form = html`<form method="post">
${call.visitor.formToken}
${passwordField(call)}
<button class="danger" name="do" value="remove">${words.removeAddress}</button>
</form>`
  sendPage(
    call.context,
    status,
    words.addressesTitle,
    html`<h1>${address}</h1>
${alertOf(problem)}
${canConfirm(call) ? form : await signInOnceMore(call)}
<p>${linkTo(call, common.cancel, { action: ADDRESSES })}</p>`,
    { lang },
  )
}

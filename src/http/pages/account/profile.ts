import { alertOf } from '../browser.ts'
import { type Html, html, sendPage } from '../layout.ts'
import { problemOf } from '../problem-words.ts'
import { type AccountAction, backLink, type Call, say } from './action.ts'

/** `org.matrix.profile`: "the user wishes to view/edit their profile (name, avatar, contact details)". */
export const profile: AccountAction = {
  async show(call) {
    await sendProfile(call, 200, undefined)
  },
  async submit(call, fields) {
    const { user, visitor, options } = call
    const { account: words, problems } = visitor.words
    if (user.isSuspended) return sendProfile(call, 403, problems.suspended)
    try {
      const displayname = (fields.get('displayname') ?? '').trim()
      const owner = { userId: user.userId, isGuest: false }
      options.account.profiles.checkMayChange({ isAdmin: user.isAdmin }, 'displayname')
      await options.account.profiles.setField(owner, 'displayname', { displayname })
      say(call, 200, words.profile, words.saved)
    } catch (error) {
      const { status, text } = problemOf(error, visitor.words)
      await sendProfile(call, status, text)
    }
  },
}

const sendProfile = async (call: Call, status: number, problem: string | undefined): Promise<void> => {
  const { context, options, user, visitor } = call
  const { account: words, common, lang } = visitor.words
  const { displayname = '' } = await options.account.profiles.memberProfile(user.userId)
  const addresses = await options.account.threepids.addressesOf(user.userId)
  const list: Html | undefined =
    addresses.length === 0
      ? undefined
      : html`<p>${words.addresses}</p>
<ul>${{ html: addresses.map(address => html`<li>${address}</li>`.html).join('') }}</ul>`
  sendPage(
    context,
    status,
    words.profile,
    html`<h1>${words.profile}</h1>
<p>${common.signedInAs(user.userId)}</p>
${alertOf(problem)}
<form method="post">
${visitor.formToken}
<label for="displayname">${words.displayName}</label>
<input id="displayname" name="displayname" value="${displayname}" maxlength="256" autocomplete="nickname">
<button name="do" value="save">${words.save}</button>
</form>
${list}
${backLink(call)}`,
    { lang },
  )
}

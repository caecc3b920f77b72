import { factsOf } from '../../pages.ts'
import { type Html, html } from '../layout.ts'
import { providerLinks } from '../sign-in.ts'
import type { Call } from './action.ts'

/** Whether somebody can confirm what they want by a form: else they sign in once more before. */
export const canConfirm = ({ user }: Call): boolean => user.hasPassword || user.isRecent

/** Where whoever has a password types it, in the form of what they want to do. */
export const passwordField = ({ user, visitor }: Call): Html | undefined =>
  user.hasPassword
    ? html`<label for="password">${visitor.words.common.password}</label>
<input id="password" name="password" type="password" required autocomplete="current-password">`
    : undefined

/**
 * Has somebody show that it is them, and not whoever found their browser open, for what cannot be undone or lets people in. To be
 * asked only where `canConfirm` says so.
 * @param fields of a form with `passwordField`, or another for the password that is called `name`
 * @throws {MatrixError} `M_FORBIDDEN`: not their password; `M_LIMIT_EXCEEDED`
 */
export const confirm = async (
  { context, options, user }: Call,
  fields: URLSearchParams,
  name = 'password',
): Promise<void> => {
  factsOf(context).limit('login')
  if (user.hasPassword) await options.account.confirm(user.userId, fields.get(name) ?? '')
}

/** Whoever has no password shows so that it is them: with what they have connected, if anything, since all else makes them another user. */
export const signInOnceMore = async ({ context, options, user, visitor }: Call): Promise<Html> => {
  const { words } = visitor
  const linked = (await options.account.providersOf(user.userId)).filter(({ isLinked }) => isLinked)
  return html`<p>${words.providers.onceMore}</p>
${providerLinks(context, options, words, { anew: 'true' }, linked.length > 0 ? linked : undefined)}`
}

import { MatrixError } from '../../core/errors.ts'
import { ssoReturn, withLoginToken } from '../../core/oauth/sso-return.ts'
import { factsOf, type PageContext, type Pages } from '../pages.ts'
import {
  type BrowserUser,
  formFields,
  formTargetOf,
  goTo,
  sendNotice,
  type Visitor,
  visitorOf,
} from './browser.ts'
import { html, sendPage } from './layout.ts'
import { problemOf } from './problem-words.ts'
import { askToSignIn, type SignInOptions, signInOrOut } from './sign-in.ts'

export type SsoOptions = SignInOptions & {
  readonly path: string
  /** Makes a token that logs a client in. @throws {MatrixError} */
  readonly loginToken: (userId: string, origin: string | undefined) => Promise<string>
}

/**
 * Adds the page to which clients that do not speak OAuth send people to sign in (`m.login.sso`). "Homeservers SHOULD confirm
 * with the user that they are happy to grant access to their matrix account to the site named in the `redirectUrl`."
 */
export const addSsoPage = (pages: Pages, options: SsoOptions): void => {
  pages.get(options.path, async context => {
    const visitor = await visitorOf(context, options)
    const target = targetOf(context, visitor)
    if (target === undefined) return
    if (visitor.user === undefined || wantsAccount(context)) {
      return askToSignIn(context, options, visitor, purposeOf(target))
    }
    sendQuestion(context, visitor, visitor.user, target)
  })
  pages.post(options.path, context => act(context, options))
}

const act = async (context: PageContext, options: SsoOptions): Promise<void> => {
  const visitor = await visitorOf(context, options)
  const target = targetOf(context, visitor)
  if (target === undefined) return
  const fields = await formFields(context, options, visitor)
  if (fields === undefined) return
  const { user, words } = visitor
  if (await signInOrOut(context, options, visitor, fields, purposeOf(target))) return
  if (fields.get('do') !== 'allow') {
    return sendNotice(context, words, 200, { title: words.common.done, text: [words.common.closePage] })
  }
  if (user === undefined) return askToSignIn(context, options, visitor, purposeOf(target))
  try {
    factsOf(context).limit('login')
    goTo(context, withLoginToken(target, await options.loginToken(user.userId, user.origin)))
  } catch (error) {
    if (!(error instanceof MatrixError)) throw error
    const { status, text } = problemOf(error, words)
    sendNotice(context, words, status, { title: words.problems.title, text: [text] })
  }
}

const wantsAccount = (context: PageContext): boolean =>
  new URLSearchParams(context.querystring).get('prompt') === 'create'

/** What the client is called: it has said nothing of itself but where it is. */
const nameOf = ({ host, protocol }: URL): string => host || protocol.slice(0, -1)

const purposeOf = (target: URL) => ({ client: nameOf(target), formTarget: formTargetOf(target) })

/** Where the client wants people back. `undefined`, and a page that says so, where nobody is sent. */
const targetOf = (context: PageContext, { words }: Visitor): URL | undefined => {
  const target = ssoReturn(new URLSearchParams(context.querystring).get('redirectUrl') ?? '')
  if (target !== undefined) return target
  const { title, badRequest } = words.problems
  sendNotice(context, words, 400, { title, text: [badRequest] })
  return undefined
}

const sendQuestion = (
  context: PageContext,
  { words, formToken }: Visitor,
  { userId }: BrowserUser,
  target: URL,
): void => {
  const { common, consent: say, lang } = words
  const title = say.title(nameOf(target))
  sendPage(
    context,
    200,
    title,
    html`<h1>${title}</h1>
<form method="post"><p>${common.signedInAs(userId)}
${formToken}
<button class="link" name="do" value="sign-out">${common.otherAccount}</button></p></form>
<dl><dt>${say.returnsTo}</dt><dd>${target.protocol}//${target.host}${target.pathname}</dd></dl>
<p>${say.may} ${say.mayNot}</p>
<p>${say.careful}</p>
<form method="post">
${formToken}
<button name="do" value="allow">${say.allow}</button>
<button class="plain" name="do" value="deny">${common.cancel}</button>
</form>`,
    { lang, formTarget: formTargetOf(target) },
  )
}

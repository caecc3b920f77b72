import { factsOf, type PageContext, type Pages } from '../pages.ts'
import { alertOf, formFields, sendNotice, type Visitor, visitorOf } from './browser.ts'
import { type Consent, sendConsent } from './consent.ts'
import { html, sendPage } from './layout.ts'
import { problemOf } from './problem-words.ts'
import { askToSignIn, type SignInOptions, signInOrOut } from './sign-in.ts'

/** A device that waits, as somebody is asked about it. */
interface WaitingDevice {
  readonly client: Consent['client']
  readonly deviceId: string
  readonly userCode: string
  readonly administers: boolean
}

export type LinkOptions = SignInOptions & {
  readonly devices: {
    waiting(typed: string): Promise<WaitingDevice | undefined>
    decide(userId: string, typed: string, isGranted: boolean, origin: string | undefined): Promise<boolean>
  }
  readonly path: string
  readonly hasDevice: (userId: string, deviceId: string) => Promise<boolean>
}

/**
 * Adds the page on which people let in a device that waits for them elsewhere (RFC 8628, 3.3): they type the code that it shows,
 * or follow a link that has it, and are asked to compare both in any case.
 */
export const addLinkPage = (pages: Pages, options: LinkOptions): void => {
  pages.get(options.path, context => show(context, options))
  pages.post(options.path, context => act(context, options))
}

const codeOf = (context: PageContext): string =>
  new URLSearchParams(context.querystring).get('user_code') ?? ''

const show = async (context: PageContext, options: LinkOptions): Promise<void> => {
  const visitor = await visitorOf(context, options)
  const { user, words } = visitor
  if (user === undefined) return askToSignIn(context, options, visitor)
  const typed = codeOf(context)
  if (typed === '') return sendQuestion(context, options, visitor, undefined)
  try {
    // "The server SHOULD rate limit the user code attempts" (RFC 8628, 5.1).
    factsOf(context).limit('login')
  } catch (error) {
    return sendQuestion(context, options, visitor, problemOf(error, words).text)
  }
  const device = await options.devices.waiting(typed)
  if (device === undefined) return sendQuestion(context, options, visitor, words.link.unknown)
  const { client, deviceId, userCode, administers } = device
  const isKnownDevice = await options.hasDevice(user.userId, deviceId)
  const more = html`<p>${words.link.same} <strong class="code">${userCode}</strong></p>`
  const { careful } = words.link
  sendConsent(context, visitor, user, { client, deviceId, administers, isKnownDevice, more, careful })
}

const act = async (context: PageContext, options: LinkOptions): Promise<void> => {
  const visitor = await visitorOf(context, options)
  const fields = await formFields(context, options, visitor)
  if (fields === undefined || (await signInOrOut(context, options, visitor, fields))) return
  const { user, words } = visitor
  if (user === undefined) return askToSignIn(context, options, visitor)
  const isGranted = fields.get('do') === 'allow'
  try {
    factsOf(context).limit('login')
  } catch (error) {
    return sendQuestion(context, options, visitor, problemOf(error, words).text)
  }
  if (!(await options.devices.decide(user.userId, codeOf(context), isGranted, user.origin))) {
    return sendQuestion(context, options, visitor, words.link.unknown)
  }
  const { link: say, common } = words
  sendNotice(context, words, 200, {
    title: isGranted ? say.granted : say.denied,
    text: isGranted ? [say.goBack, common.closePage] : [common.closePage],
  })
}

const sendQuestion = (
  context: PageContext,
  { path }: LinkOptions,
  { words }: Visitor,
  problem: string | undefined,
): void => {
  const { link: say, lang } = words
  sendPage(
    context,
    problem === undefined ? 200 : 404,
    say.title,
    html`<h1>${say.title}</h1>
${alertOf(problem)}
<form method="get" action="${path}">
<label for="user_code">${say.code}</label>
<input id="user_code" name="user_code" required autofocus autocomplete="off" autocapitalize="characters" spellcheck="false" maxlength="20" aria-describedby="code-hint">
<small id="code-hint">${say.codeHint}</small>
<button>${say.button}</button>
</form>`,
    { lang },
  )
}

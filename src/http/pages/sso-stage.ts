import type { PageContext, Pages } from '../pages.ts'
import { FALLBACK_PATHS, sendDone, sendUnknown } from './auth-fallback.ts'
import { type Visitor, visitorOf } from './browser.ts'
import { html, sendPage } from './layout.ts'
import { operationWords } from './operation-words.ts'
import { wordsOf } from './page-language.ts'
import { linksTo, type OfferedProvider, type SignInOptions } from './sign-in.ts'

/** What somebody is to confirm, and with which accounts elsewhere they can. */
interface StageToPass {
  /** Method and path of what a client wants to do. */
  readonly operation: string
  readonly isDone: boolean
  readonly providers: readonly OfferedProvider[]
}

export type SsoStageOptions = SignInOptions & {
  /** `undefined`: no such session, or it has no such stage. */
  readonly stage: (sessionId: string) => Promise<StageToPass | undefined>
}

/** Where the page is, in each version of the API. */
export const SSO_STAGE_PATHS: readonly string[] = FALLBACK_PATHS.map(path =>
  path.replace(':type', 'm.login.sso'),
)

/**
 * Adds the page on which a browser passes the stage `m.login.sso` ("SSO during User-Interactive Authentication"). "The homeserver
 * SHOULD confirm that the user is happy for the operation to go ahead": the page says what it is, and the way to the provider leads
 * over it alone.
 */
export const addSsoStagePage = (pages: Pages, options: SsoStageOptions): void => {
  for (const path of SSO_STAGE_PATHS) pages.get(path, context => show(context, options))
}

const show = async (context: PageContext, options: SsoStageOptions): Promise<void> => {
  const session = new URLSearchParams(context.querystring).get('session') ?? ''
  const stage = await options.stage(session)
  if (stage === undefined) return sendUnknown(context, wordsOf(context, options))
  if (stage.isDone) return sendDone(context, wordsOf(context, options))
  sendStage(context, options, await visitorOf(context, options), { session, ...stage })
}

const sendStage = (
  context: PageContext,
  { providerPath }: SignInOptions,
  { words, linkToken }: Visitor,
  { session, operation, providers }: StageToPass & { session: string },
): void => {
  const { providers: say, lang } = words
  const back = `${context.path}?${new URLSearchParams({ session })}`
  const query = { return: back, confirms: session, form: linkToken }
  sendPage(
    context,
    200,
    say.confirmTitle,
    html`<h1>${say.confirmTitle}</h1>
<p>${operationWords(operation, words)}</p>
<p>${say.confirmCareful}</p>
<p>${say.onceMore}</p>
${linksTo(providers, one => providerPath(one.id, query), words)}`,
    { lang },
  )
}

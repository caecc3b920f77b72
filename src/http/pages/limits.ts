import type { Pages } from '../pages.ts'
import { html, sendPage } from './layout.ts'
import { type LanguageOptions, wordsOf } from './page-language.ts'

/** Where whoever has reached a limit of their account is sent (`info_uri` of `M_USER_LIMIT_EXCEEDED`). */
export const LIMITS_PATH = '/_tessera/limits'

/** Adds the page that says what limits of an account are, and whom to ask. */
export const addLimitsPage = (
  pages: Pages,
  options: LanguageOptions & { readonly serverName: string; readonly supportPage: string | undefined },
): void => {
  const { serverName, supportPage } = options
  pages.get(LIMITS_PATH, async context => {
    const { limits: say, lang } = wordsOf(context, options)
    const help =
      supportPage === undefined
        ? html`<p>${say.ask(serverName)}</p>`
        : html`<p>${say.more} <a href="${supportPage}">${say.help}</a></p>`
    sendPage(
      context,
      200,
      say.title,
      html`<h1>${say.title}</h1>
<p>${say.what(serverName)}</p>
<p>${say.remove}</p>
${help}`,
      { lang },
    )
  })
}

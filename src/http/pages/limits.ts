import type { Pages } from '../pages.ts'
import { type Html, html, sendPage } from './layout.ts'

/** Where whoever has reached a limit of their account is sent (`info_uri` of `M_USER_LIMIT_EXCEEDED`). */
export const LIMITS_PATH = '/_tessera/limits'

/** Adds the page that says what limits of an account are, and whom to ask. */
export const addLimitsPage = (
  pages: Pages,
  { serverName, supportPage }: { readonly serverName: string; readonly supportPage: string | undefined },
): void => {
  const help: Html =
    supportPage === undefined
      ? html`<p>If you need more, ask the administrator of ${serverName}.</p>`
      : html`<p>If you need more, see <a href="${supportPage}">who can help you</a>.</p>`
  pages.get(LIMITS_PATH, async context => {
    sendPage(
      context,
      200,
      'Limits of an account',
      html`<h1>Limits of an account</h1>
<p>On ${serverName} every account may keep a lot, but not any number of things: account data, tags, push rules, devices that are
notified, keys, and third-party identifiers. What you did would have gone beyond.</p>
<p>Remove what you do not need any more, and try again.</p>
${help}`,
    )
  })
}

import { oneLine } from '../../core/mail-text.ts'
import type { ClientMetadata } from '../../core/oauth/client-metadata.ts'
import type { PageContext } from '../pages.ts'
import type { BrowserUser, Visitor } from './browser.ts'
import { type Html, html, sendPage } from './layout.ts'

/** What somebody is asked to allow. */
export interface Consent {
  readonly client: { readonly metadata: ClientMetadata }
  readonly deviceId: string
  readonly isKnownDevice: boolean
  /** Whether the client wants to administer the server, too. */
  readonly administers: boolean
  /** Where the answer goes; `undefined`: to a device that waits for it elsewhere. */
  readonly redirectUri?: string
  /** What else the user has to look at, and what the form holds besides. */
  readonly more?: Html
  /** What to look out for, where it is not what is always said. */
  readonly careful?: string
  /** Where the answer to the form may redirect (CSP). */
  readonly formTarget?: string | undefined
}

/** In characters. */
const MAX_SHOWN = 60

/** What people are told that a client is called: anybody can choose that, so nothing in it moves or hides text. */
export const clientName = ({ client_name: name, client_uri: uri }: ClientMetadata): string =>
  oneLine(name ?? '', MAX_SHOWN) || new URL(uri).hostname

/** Asks whether a client may use an account: names both, the device, and where the answer goes. */
export const sendConsent = (
  context: PageContext,
  { words, formToken }: Visitor,
  user: BrowserUser,
  consent: Consent,
): void => {
  const { common, consent: say, lang } = words
  const { metadata } = consent.client
  const name = clientName(metadata)
  const title = say.title(name)
  const session = consent.isKnownDevice ? say.knownSession : say.newSession
  const documents = [
    metadata.tos_uri === undefined
      ? undefined
      : html`<a href="${metadata.tos_uri}" target="_blank">${say.terms}</a>`,
    metadata.policy_uri === undefined
      ? undefined
      : html`<a href="${metadata.policy_uri}" target="_blank">${say.policy}</a>`,
  ].flatMap(link => (link === undefined ? [] : [link.html]))
  const returnsTo =
    consent.redirectUri === undefined
      ? undefined
      : html`<dt>${say.returnsTo}</dt><dd>${placeOf(consent.redirectUri, say.appOnThisDevice)}</dd>`
  sendPage(
    context,
    200,
    title,
    html`<h1>${title}</h1>
<form method="post"><p>${common.signedInAs(user.userId)}
${formToken}
<button class="link" name="do" value="sign-out">${common.otherAccount}</button></p></form>
<dl><dt>${say.app}</dt><dd>${name}</dd>
<dt>${say.website}</dt><dd>${new URL(metadata.client_uri).hostname}</dd>
<dt>${say.session}</dt><dd>${consent.deviceId} (${session})</dd>
${returnsTo}</dl>
<p>${say.may} ${say.mayNot}</p>
${consent.administers ? html`<p><strong>${say.administers}</strong></p>` : undefined}
${documents.length === 0 ? undefined : html`<p>${{ html: documents.join(', ') }}</p>`}
${consent.more}
<p>${consent.careful ?? say.careful}</p>
<form method="post">
${formToken}
<button name="do" value="allow">${say.allow}</button>
<button class="plain" name="do" value="deny">${common.cancel}</button>
</form>`,
    { lang, formTarget: consent.formTarget },
  )
}

const placeOf = (redirectUri: string, anApp: string): string => {
  const { protocol, host } = new URL(redirectUri)
  return protocol === 'https:' ? host : `${anApp} (${host === '' ? protocol.slice(0, -1) : host})`
}

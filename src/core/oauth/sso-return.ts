import { MAX_URI_LENGTH } from './redirect-uri.ts'

/** Schemes by which something would run, or be shown, in the browser itself. */
const REFUSED = [
  'javascript:',
  'data:',
  'vbscript:',
  'blob:',
  'file:',
  'filesystem:',
  'about:',
  'view-source:',
]

/** Where a client wants people back that it sent to sign in (`redirectUrl`); `undefined`: nowhere that anybody is sent. */
export const ssoReturn = (text: string): URL | undefined => {
  const url = text.length <= MAX_URI_LENGTH ? URL.parse(text) : null
  return url === null || REFUSED.includes(url.protocol) ? undefined : url
}

/** The same with a login token: "if it already includes one or more `loginToken` parameters, they should be removed". */
export const withLoginToken = (url: URL, loginToken: string): string => {
  const target = new URL(url)
  target.searchParams.set('loginToken', loginToken)
  return target.href
}

import { MAX_RETURN_LENGTH } from './browser.ts'

/** Where somebody may be brought back who was on another page meanwhile. */
export interface ReturnOptions {
  readonly baseUrl: string
  /** The pages of this server that people sign in for. */
  readonly returnPaths: readonly string[]
}

/** Where somebody is brought back: to a page of this server that people sign in for. `undefined`: nowhere. */
export const returnPath = (text: string, { baseUrl, returnPaths }: ReturnOptions): string | undefined => {
  if (text.length > MAX_RETURN_LENGTH || !text.startsWith('/')) return undefined
  const base = new URL(baseUrl)
  const url = URL.parse(text, base.origin)
  if (url === null || url.origin !== base.origin || !returnPaths.includes(url.pathname)) return undefined
  return `${url.pathname}${url.search}`
}

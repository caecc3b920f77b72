import type * as OAuthLibrary from 'oauth4webapi'
import type { HttpClient } from '../http-client.ts'
import { targetOfUrl } from '../redirects.ts'

/** How long a provider has for each answer while somebody waits to sign in. */
export const TIMEOUT_MS = 10_000
export const MAX_BYTES = 256 * 1024

/** Loaded where there is a provider, and not before somebody comes. */
export const library = (): Promise<typeof OAuthLibrary> => import('oauth4webapi')

/**
 * Has the library ask over our client, with its bounds. It follows no redirect.
 * @param isInsecure whether the operator has written `http:`, and was warned
 * @param timeoutMs for each request
 */
export const transport = (
  oauth: typeof OAuthLibrary,
  http: Pick<HttpClient, 'request'>,
  isInsecure: boolean,
  timeoutMs: number,
) => ({
  [oauth.allowInsecureRequests]: isInsecure,
  [oauth.customFetch]: async (
    address: string,
    { method, headers, body }: { method: string; headers: Record<string, string>; body?: unknown },
  ): Promise<Response> => {
    const url = new URL(address)
    const answer = await http.request({
      target: targetOfUrl(url),
      method: method === 'POST' ? 'POST' : 'GET',
      path: `${url.pathname}${url.search}`,
      headers,
      timeoutMs,
      maxBytes: MAX_BYTES,
      ...(body === undefined || body === null ? {} : { body: String(body) }),
    })
    const contentType = answer.headers['content-type']
    return new Response(answer.body.length === 0 ? null : new Uint8Array(answer.body), {
      status: answer.status,
      headers: contentType === undefined ? {} : { 'content-type': contentType },
    })
  },
})

import { parseJson } from '../core/canonical-json.ts'
import { isJsonObject, type JsonObject } from '../core/json.ts'
import type { HttpClient } from './http-client.ts'
import { type AddressLists, type Outgoing, openHttpClient } from './outgoing.ts'
import { targetOfUrl } from './redirects.ts'

/** The way to push gateways (Push Gateway API). */
export interface PushGateway {
  /**
   * Sends one notification to the gateway at a URL.
   *
   * @returns the push keys that the gateway rejects for good
   * @throws {OutboundError} where no complete answer came; `GatewayError` for any status but 200
   */
  notify(url: string, notification: JsonObject, signal: AbortSignal): Promise<readonly string[]>
  close(): Promise<void>
}

/** The gateway answers, but does not take the notification. */
export class GatewayError extends Error {
  override readonly name = 'GatewayError'
  readonly status: number
  constructor(status: number) {
    super(`the push gateway answered ${status}`)
    this.status = status
  }
}

const TIMEOUT_MS = 20_000
const MAX_BYTES = 64 * 1024

/** Speaks to gateways over a client whose address policy keeps them away from what is inside. */
export const pushGateway = (http: Pick<HttpClient, 'request' | 'close'>): PushGateway => ({
  notify: async (url, notification, signal) => {
    const { pathname, search } = new URL(url)
    const response = await http.request({
      target: targetOfUrl(new URL(url)),
      method: 'POST',
      path: `${pathname}${search}`,
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ notification }),
      timeoutMs: TIMEOUT_MS,
      maxBytes: MAX_BYTES,
      signal,
    })
    if (response.status !== 200) throw new GatewayError(response.status)
    return rejectedKeys(response.body.toString('utf8'))
  },
  close: () => http.close(),
})

/** An answer in no known form rejects nothing: the notification was taken all the same. */
const rejectedKeys = (text: string): string[] => {
  let body: unknown
  try {
    body = parseJson(text)
  } catch {
    return []
  }
  const rejected = isJsonObject(body) ? body['rejected'] : undefined
  return Array.isArray(rejected) ? rejected.filter(key => typeof key === 'string') : []
}

/** Opens the way with the operator's rules for outgoing connections. */
export const openPushGateway = (outgoing: Outgoing & AddressLists): PushGateway =>
  pushGateway(openHttpClient(outgoing))

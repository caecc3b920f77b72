import { parseJson } from '../core/canonical-json.ts'
import { isJsonObject, type JsonObject } from '../core/json.ts'
import { AtMost } from './at-most.ts'
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

  /** Whether it is the notification that it does not want, as far as a status tells, and not that it can take none just now. */
  get isRefusal(): boolean {
    return this.status >= 400 && this.status <= 499 && !PASSING.has(this.status)
  }
}

/** Request Timeout, Too Early, Too Many Requests. */
const PASSING: ReadonlySet<number> = new Set([408, 425, 429])

const TIMEOUT_MS = 20_000
const MAX_BYTES = 64 * 1024
/**
 * Sent to one gateway at a time, each over a connection of its own. One message may notify thousands who are all reached by the same
 * one: what waits for its turn is not late.
 */
const MAX_AT_ONCE = 24

/** Speaks to gateways over a client whose address policy keeps them away from what is inside. */
export const pushGateway = (http: Pick<HttpClient, 'request' | 'close'>): PushGateway => {
  /** By the gateway's origin. */
  const turns = new Map<string, AtMost>()
  return {
    notify: async (url, notification, signal) => {
      const { origin, pathname, search } = new URL(url)
      const turn = turns.get(origin) ?? new AtMost(MAX_AT_ONCE)
      turns.set(origin, turn)
      const send = () =>
        http.request({
          target: targetOfUrl(new URL(url)),
          method: 'POST',
          path: `${pathname}${search}`,
          headers: { 'content-type': 'application/json' },
          body: JSON.stringify({ notification }),
          timeoutMs: TIMEOUT_MS,
          maxBytes: MAX_BYTES,
          signal,
        })
      const response = await turn.run(signal, send).finally(() => {
        if (turn.isIdle) turns.delete(origin)
      })
      if (response.status !== 200) throw new GatewayError(response.status)
      return rejectedKeys(response.body.toString('utf8'))
    },
    close: () => http.close(),
  }
}

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
  pushGateway(openHttpClient(outgoing, { connectionsPerTarget: MAX_AT_ONCE }))

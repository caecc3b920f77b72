/** What may become of requests between the servers of a world (`federation-world.ts`). */
import type { JsonObject } from '../core/json.ts'
import type { OutboundResponse } from '../network/http-client.ts'

/** What a test may do to a request on its way; `undefined` lets it pass. */
export type Interceptor = (request: {
  readonly from: string
  readonly to: string
  readonly method: string
  /** Without the query, percent-decoded. */
  readonly path: string
  readonly body?: string
}) => { readonly status: number; readonly json: JsonObject } | 'unreachable' | undefined

/** What becomes of a request on its way: it is delivered once, never, later, or more than once. */
export type Transport = (
  request: { readonly from: string; readonly to: string; readonly method: string; readonly path: string },
  deliver: () => Promise<OutboundResponse>,
) => Promise<OutboundResponse>

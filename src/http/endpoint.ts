import type { IncomingHttpHeaders } from 'node:http'
import type { JsonObject } from '../core/json.ts'
import type { Departure } from '../services/departure.ts'
import type { Services } from '../services/index.ts'
import type { Requester } from '../services/requester.ts'
import type { RateLimitBucket } from '../spec/operation.ts'
import type { OperationId } from '../spec/operations.ts'
import type { Operations } from '../spec/types.ts'
import type { Query } from './authentication.ts'
import type { Reply } from './reply.ts'

export { reply } from './reply.ts'

/** What a handler may know of the request beyond its validated parts. */
export interface RequestFacts {
  /** Stands in the log beside everything that the request caused. */
  readonly id: string
  readonly method: string
  /** The request target as it was sent, with the query string. */
  readonly uri: string
  readonly headers: IncomingHttpHeaders
  /** The client's address; behind a trusted proxy the one that it reports. */
  readonly ip: string
  readonly userAgent: string | undefined
  /** The bearer token, also where the operation asks for none (registration by application services). */
  readonly accessToken: string | undefined
  /** The JSON body as it was sent, for what `JSON.parse` hides (`1.0`, `-0`). Empty when there was none. */
  readonly text: string
  /** Aborted when the client has gone before the response was complete. */
  readonly signal: AbortSignal
  /** The same, for who is answered by many and waits long. */
  readonly departure: Departure
}

/** The principal, by the operation's security scheme. */
interface Principals {
  none: object
  accessToken: { readonly requester: Requester }
  optionalAccessToken: { readonly requester?: Requester }
  appServiceToken: { readonly requester: Requester }
  /** Of an administrator of this server. */
  administratorToken: { readonly requester: Requester }
  /** `origin`: the server that signed the request. */
  signedRequest: { readonly origin: string }
}

/**
 * Counts what a call does beside that for which its operation is limited, for its account or server; without effect where there
 * is nothing to count. Throws `M_LIMIT_EXCEEDED`.
 */
export type Limit = (bucket: RateLimitBucket, calls: number) => void

/** What a handler is given: everything validated and typed by the operation in `api-spec`. */
export type Call<Id extends OperationId> = Principals[Operations[Id]['authentication']] & {
  readonly path: Operations[Id]['path']
  readonly query: Operations[Id]['query']
  readonly body: Operations[Id]['body']
  readonly request: RequestFacts
  readonly limit: Limit
}

export type Handler<Id extends OperationId> = (
  call: Call<Id>,
  services: Services,
) => Promise<Operations[Id]['response'] | Reply>

/** A call before the operation's types are known, as the pipeline puts it together. */
export interface UntypedCall {
  readonly requester: Requester | undefined
  readonly origin: string | undefined
  readonly path: unknown
  readonly query: unknown
  readonly body: unknown
  readonly request: RequestFacts
  readonly limit: Limit
}

type Heeded = (body: JsonObject, query: Query) => JsonObject

/**
 * What somebody is answered whose doings are to reach nobody, without their knowing (`Requester.isShadowBanned`): as if it had been
 * done. `undefined`: this is done as for everybody.
 */
export type Pretence<Id extends OperationId> = (call: Call<Id>) => Operations[Id]['response'] | undefined

interface EndpointOptions<Id extends OperationId> {
  readonly heeded?: Heeded
  readonly pretend?: Pretence<Id>
}

export interface Endpoint {
  readonly operationId: string
  /** What of a body counts under a query, before it is validated; all of it where this is missing. */
  readonly heeded?: Heeded
  readonly handle: (call: UntypedCall, services: Services) => Promise<unknown>
}

/**
 * Binds a handler to the operation of that ID. The handler answers the body of a 200 response, or a `reply`; it
 * throws `MatrixError` to refuse.
 */
export const endpoint = <Id extends OperationId>(
  operationId: Id,
  handler: Handler<Id>,
  { heeded, pretend }: EndpointOptions<Id> = {},
): Endpoint => ({
  operationId,
  ...(heeded === undefined ? {} : { heeded }),
  // The pipeline authenticates and validates by the same operation that these types come from.
  handle: (untyped, services) => {
    const call = untyped as unknown as Call<Id>
    const pretended = untyped.requester?.isShadowBanned ? pretend?.(call) : undefined
    return pretended === undefined ? handler(call, services) : Promise.resolve(pretended)
  },
})

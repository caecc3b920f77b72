import type { IncomingMessage, ServerResponse } from 'node:http'
import { addressKey } from '../core/address-key.ts'
import type { Clock } from '../core/clock.ts'
import type { Services } from '../services/index.ts'
import type { Operation } from '../spec/operation.ts'
import { operations as allOperations } from '../spec/operations.ts'
import allSchemas from '../spec/schemas.json' with { type: 'json' }
import { AddressLimit } from './address-limit.ts'
import type { Authenticate, IsServiceToken, VerifyRequest } from './authentication.ts'
import { RequestAborted } from './body.ts'
import { createClientAddress } from './client-address.ts'
import { preflightHeaders } from './cors.ts'
import type { Endpoint } from './endpoint.ts'
import { type HttpLog, renderError } from './errors.ts'
import type { PageFacts, Pages } from './pages.ts'
import { type PipelineParts, type Principal, runOperation } from './pipeline.ts'
import { createProxyNotice } from './proxy-notice.ts'
import { createRateLimiter, type RateLimiter, type RateLimitSettings } from './rate-limit.ts'
import type { Reply } from './reply.ts'
import { GatheredFacts } from './request-facts.ts'
import { createRequestIds } from './request-id.ts'
import { createRouteTable, type IsServed, type RouteTable } from './router.ts'
import { send } from './send.ts'
import { noPage, type ServePage, servePages } from './serve-pages.ts'
import { createValidator, type RequestSchemas } from './validate.ts'

/** One answered request, for metrics. */
export interface RequestOutcome {
  /** `undefined` for pages and unknown paths. */
  readonly operationId: string | undefined
  readonly method: string
  readonly status: number
  readonly milliseconds: number
}

export interface HttpAppOptions {
  readonly endpoints: readonly Endpoint[]
  readonly services: Services
  readonly authenticate: Authenticate
  readonly verifyRequest: VerifyRequest
  readonly isServiceToken?: IsServiceToken | undefined
  readonly log: HttpLog
  readonly clock: Clock
  readonly rateLimits?: RateLimitSettings
  /** Users without limits. */
  readonly exemptUsers?: readonly string[]
  /** Addresses or CIDR ranges of proxies whose `X-Forwarded-For` is believed. */
  readonly trustedProxies?: readonly string[]
  readonly pages?: Pages
  /** Where whoever has reached a limit of their account can read about it. */
  readonly limitInfoUri?: string
  readonly onResponse?: (outcome: RequestOutcome) => void
  /** Other operations than those of `api-spec`, for tests. */
  readonly operations?: Readonly<Record<string, Operation>>
  readonly schemas?: RequestSchemas
}

type RequestHandler = (request: IncomingMessage, response: ServerResponse) => void

export interface HttpApp {
  /** For `http.createServer`; never throws and never rejects. */
  readonly handler: RequestHandler
  /** The same for where the administrators' API is not to be reached. */
  readonly handlerForUsers: RequestHandler
  /** Replaces all rate limits, and who has none, when the configuration is read anew. */
  setRateLimits(settings: RateLimitSettings, exemptUsers: readonly string[]): void
  /** What counts requests, for processes that count together. */
  readonly limiter: Pick<RateLimiter, 'check' | 'taken' | 'charge'>
}

/**
 * Everything that answers HTTP: the operations of `api-spec` by the pipeline, straight from one route table; whatever
 * else there is (pages) by koa. Throws if operations and handlers do not match.
 */
export const createHttpApp = (options: HttpAppOptions): HttpApp => {
  const validator = createValidator(options.schemas ?? (allSchemas as RequestSchemas))
  const limiter = createRateLimiter({}, options.clock)
  limiter.configure(options.rateLimits ?? {}, options.exemptUsers)
  const parts: PipelineParts = { ...options, limiter, validator }
  const table = createRouteTable(options.operations ?? allOperations, options.endpoints)
  const clientAddress = createClientAddress(options.trustedProxies)
  const noteProxy = createProxyNotice(options.trustedProxies, options.log)
  const factsOfPages = (request: IncomingMessage): PageFacts => {
    const ip = clientAddress(request)
    return { ip, limit: bucket => limiter.check(bucket, addressKey(ip)) }
  }
  const pages = options.pages ? servePages(options.pages, factsOfPages, options.log) : noPage
  const addresses = new AddressLimit(limiter, options.isServiceToken)
  const nextId = createRequestIds()

  const handle = async (
    request: IncomingMessage,
    response: ServerResponse,
    answering: Answering,
  ): Promise<void> => {
    const started = performance.now()
    noteProxy(request)
    const facts = new GatheredFacts(request, response, nextId(), clientAddress(request))
    const trace: Trace = { operationId: undefined, principal: {} }
    try {
      const reply = await replyTo(answering, request, response, facts, trace)
      if (reply !== undefined) await send(request, response, reply, parts.clock)
    } catch (error) {
      await sendError(error, request, response, facts, options)
    }
    const milliseconds = performance.now() - started
    report(options, facts, trace, response.statusCode, milliseconds)
  }
  const handlerOf = (isServed: IsServed): RequestHandler => {
    const answering = { parts, table, pages, addresses, isServed }
    return (request, response) => {
      handle(request, response, answering).catch(error => {
        options.log.error({ err: error }, 'a response could not be written')
        response.destroy()
      })
    }
  }
  return {
    handler: handlerOf(() => true),
    handlerForUsers: handlerOf(operation => operation.authentication !== 'administratorToken'),
    setRateLimits: limiter.configure,
    limiter,
  }
}

interface Trace {
  operationId: string | undefined
  readonly principal: Principal
}

interface Answering {
  readonly parts: PipelineParts
  readonly table: RouteTable
  readonly pages: ServePage
  readonly addresses: AddressLimit
  readonly isServed: IsServed
}

/** `undefined` where it has been answered. What it throws is answered as well. */
const replyTo = (
  { parts, table, pages, addresses, isServed }: Answering,
  request: IncomingMessage,
  response: ServerResponse,
  facts: GatheredFacts,
  trace: Trace,
): Promise<Reply> | Promise<undefined> | undefined => {
  if (request.method === 'OPTIONS') {
    // "the server MUST NOT perform any logic defined for the endpoints when approached with an OPTIONS request"
    response.writeHead(204, preflightHeaders(facts.uri)).end()
    return undefined
  }
  const onAccounted = addresses.begin(request, facts.ip)
  const match = table.find(facts.method, facts.uri, isServed)
  if (match === undefined) return pages(request, response)
  trace.operationId = match.operation.operationId
  return runOperation(parts, match, request, facts, trace.principal, onAccounted)
}

const sendError = async (
  error: unknown,
  request: IncomingMessage,
  response: ServerResponse,
  facts: GatheredFacts,
  { log, limitInfoUri, clock }: Pick<HttpAppOptions, 'log' | 'limitInfoUri' | 'clock'>,
): Promise<void> => {
  const rendering = { requestId: facts.id, log, limitInfoUri }
  const gone = error instanceof RequestAborted || isPrematureClose(error)
  if (!gone && !response.headersSent && !response.destroyed) {
    await send(request, response, renderError(error, rendering), clock)
    return
  }
  // The reply has begun, or nobody waits for it: what went wrong on our side still belongs in the log.
  if (!gone) renderError(error, rendering)
  response.statusCode = CLIENT_GONE
  response.destroy()
}

/** The status in the log of a request that was not answered in full; nginx's custom. */
const CLIENT_GONE = 499

const isPrematureClose = (error: unknown): boolean =>
  error instanceof Error && 'code' in error && error.code === 'ERR_STREAM_PREMATURE_CLOSE'

const report = (
  options: HttpAppOptions,
  facts: GatheredFacts,
  { operationId, principal }: Trace,
  status: number,
  milliseconds: number,
): void => {
  options.onResponse?.({ operationId, method: facts.method, status, milliseconds })
  // What went well is for whoever looks closely (and for the metrics); what went wrong here, for everybody.
  const level = status >= 500 ? 'warn' : 'debug'
  if (options.log.isLevelEnabled?.(level) === false) return
  options.log[level](
    {
      request: facts.id,
      method: facts.method,
      // Without the query string: it may hold an access token.
      path: facts.uri.split('?', 1)[0],
      operation: operationId,
      status,
      ms: Math.round(milliseconds),
      ip: facts.ip,
      by: principal.requester?.userId ?? principal.origin,
    },
    'request',
  )
}

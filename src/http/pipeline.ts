import type { IncomingMessage } from 'node:http'
import { parse as parseQuery } from 'node:querystring'
import { addressKey } from '../core/address-key.ts'
import type { Clock } from '../core/clock.ts'
import { MatrixError } from '../core/errors.ts'
import { isJsonObject, type JsonValue } from '../core/json.ts'
import type { Services } from '../services/index.ts'
import type { Requester } from '../services/requester.ts'
import type { Operation, RateLimitBucket } from '../spec/operation.ts'
import { noteAdministration } from './administration-log.ts'
import {
  type Authenticate,
  accessTokenOf,
  admit,
  credentialsOf,
  type IsServiceToken,
  isOfService,
  type Query,
  type SignedBody,
  single,
  type VerifyRequest,
} from './authentication.ts'
import { parseBody, readBody, streamBody, textOf } from './body.ts'
import { coercePath, coerceQuery } from './coerce.ts'
import type { Limit, UntypedCall } from './endpoint.ts'
import type { HttpLog } from './errors.ts'
import type { RateLimiter } from './rate-limit.ts'
import { Reply } from './reply.ts'
import type { GatheredFacts } from './request-facts.ts'
import type { Match } from './router.ts'
import type { Validator } from './validate.ts'

/** What the pipeline is made of. */
export interface PipelineParts {
  readonly services: Services
  readonly authenticate: Authenticate
  readonly verifyRequest: VerifyRequest
  readonly isServiceToken?: IsServiceToken | undefined
  readonly limiter: RateLimiter
  readonly validator: Validator
  readonly clock: Clock
  readonly log: Pick<HttpLog, 'info'>
}

/** Who made a request, for the log. */
export interface Principal {
  requester?: Requester
  origin?: string
}

/**
 * Nesting that a JSON body may have. A client's body that is deeper is refused as a whole; a federation transaction
 * must not be, since one bad event must not harm its neighbours, so there the events are judged one by one.
 */
const MAX_DEPTH = { client: 128, federation: 1000 }

/**
 * The way of a request to its operation, and back as a reply. Throws `MatrixError` for whatever is refused:
 *
 * 1. limit by address, for operations without principal
 * 2. access token, since that needs no body
 * 3. body, under the operation's limit
 * 4. for requests of servers in place of 3: a key that can have signed it, the body, and its signature
 * 5. path, query and body against their schemas
 * 6. limit by account or server; what is counted for an account counts no longer for its address (`onAccounted`)
 * 7. handler
 * 8. what administrators have changed is logged
 */
export const runOperation = async (
  parts: PipelineParts,
  match: Match,
  request: IncomingMessage,
  facts: GatheredFacts,
  principal: Principal,
  onAccounted: () => void,
): Promise<Reply> => {
  const call = await callOf(parts, match, request, facts, principal)
  if (principal.requester !== undefined) onAccounted()
  const { operation, endpoint } = match
  const result = await endpoint.handle(call, parts.services)
  if (operation.authentication === 'administratorToken') noteAdministration(parts.log, operation, call)
  return result instanceof Reply ? result : new Reply({ json: result ?? {} })
}

/** Steps 1 to 6. Apart, since what it holds would be kept as long as the handler waits. */
const callOf = async (
  parts: PipelineParts,
  match: Match,
  request: IncomingMessage,
  facts: GatheredFacts,
  principal: Principal,
): Promise<UntypedCall> => {
  const { operation, endpoint } = match
  const query: Query = match.queryString === '' ? {} : parseQuery(match.queryString)
  if (operation.authentication === 'none' && !isOfService(parts.isServiceToken, request, query))
    parts.limiter.check(operation.rateLimit, addressKey(facts.ip))
  await identify(parts, operation, request, facts, query, principal)
  let body: unknown
  if (operation.authentication === 'signedRequest')
    body = await signedBodyOf(parts, operation, request, facts, principal)
  else if (operation.body !== 'none') body = await bodyOf(parts, operation, request, facts)
  const heeded = endpoint.heeded !== undefined && isJsonObject(body) ? endpoint.heeded(body, query) : body
  const call = validated(parts, match, query, heeded)
  if (operation.authentication !== 'none') limitPrincipal(parts, facts, principal, operation.rateLimit, 1)
  const limit: Limit = (bucket, calls) => limitPrincipal(parts, facts, principal, bucket, calls)
  const { requester, origin } = principal
  return {
    requester,
    origin,
    path: call.path,
    query: call.query,
    body: call.body,
    request: facts,
    limit,
  }
}

const identify = async (
  parts: PipelineParts,
  operation: Operation,
  request: IncomingMessage,
  facts: GatheredFacts,
  query: Query,
  principal: Principal,
): Promise<void> => {
  if (operation.authentication === 'signedRequest') return
  const token = accessTokenOf(request, query)
  facts.accessToken = token
  if (operation.authentication === 'none') return
  if (token === undefined) {
    if (operation.authentication === 'optionalAccessToken') return
    throw new MatrixError('M_MISSING_TOKEN', 'An access token is needed')
  }
  const requester = await parts.authenticate(token, {
    assertedUserId: single(query.user_id),
    assertedDeviceId: single(query.device_id) ?? single(query['org.matrix.msc3202.device_id']),
    ip: facts.ip,
    userAgent: facts.userAgent,
  })
  principal.requester = requester
  admit(requester, operation)
}

const bodyOf = async (
  parts: PipelineParts,
  operation: Operation,
  request: IncomingMessage,
  facts: GatheredFacts,
): Promise<unknown> => {
  if (operation.body === 'stream') return streamBody(request, parts.clock)
  facts.text = textOf(await readBody(request, operation.bodyLimit, parts.clock))
  return parseBody(facts.text, { required: operation.bodyRequired, maxDepth: MAX_DEPTH.client })
}

/** The body of a server's request, once it is proven who sent it: with several keys, one valid signature is enough. */
const signedBodyOf = async (
  parts: PipelineParts,
  operation: Operation,
  request: IncomingMessage,
  facts: GatheredFacts,
  principal: Principal,
): Promise<JsonValue | undefined> => {
  const isExpected = operation.body === 'json'
  const options = { required: operation.bodyRequired, maxDepth: MAX_DEPTH.federation }
  const text = once(async () => {
    facts.text = textOf(await readBody(request, operation.bodyLimit, parts.clock))
    return facts.text
  })
  const content = once(() => parseBody(facts.text, options))
  const body = async (): Promise<SignedBody | undefined> =>
    isExpected && (await text()) !== '' ? { text: await text(), content } : undefined
  let failure: unknown
  for (const each of credentialsOf(request)) {
    try {
      await parts.verifyRequest({ method: facts.method, uri: facts.uri, ...each, body })
      principal.origin = each.origin
      break
    } catch (error) {
      failure ??= error
    }
  }
  if (principal.origin === undefined) throw failure
  if (!isExpected) return undefined
  await text()
  return content()
}

const once = <T>(make: () => T): (() => T) => {
  let made: { readonly value: T } | undefined
  return () => {
    made ??= { value: make() }
    return made.value
  }
}

const validated = (
  { validator }: PipelineParts,
  match: Match,
  rawQuery: Query,
  body: unknown,
): { path: unknown; query: unknown; body: unknown } => {
  const { operation } = match
  const path = coercePath(match.path, operation)
  const query = coerceQuery(rawQuery, operation)
  validator.validate(operation.operationId, 'path', path)
  validator.validate(operation.operationId, 'query', query)
  if (operation.body !== 'json') return { path, query, body }
  if (operation.authentication !== 'signedRequest') {
    return { path, query, body: validator.lenient(operation.operationId, body) }
  }
  validator.validate(operation.operationId, 'body', body)
  return { path, query, body }
}

const limitPrincipal = (
  { limiter }: PipelineParts,
  facts: GatheredFacts,
  { requester, origin }: Principal,
  bucket: RateLimitBucket,
  calls: number,
): void => {
  if (calls === 0 || requester?.isExemptFromRateLimits) return
  if (requester !== undefined && limiter.exempts(requester.userId)) return
  const own = bucket === 'message' ? requester?.messageLimit : undefined
  const key = requester?.userId ?? origin ?? addressKey(facts.ip)
  if (own === undefined) limiter.check(bucket, key, calls)
  else limiter.checkOwn(bucket, own, key, calls)
}

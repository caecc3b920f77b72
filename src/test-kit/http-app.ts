/** An HTTP app over operations made for the purpose, to try the pipeline with. */
import { Readable } from 'node:stream'
import { MatrixError } from '../core/errors.ts'
import type { JsonValue } from '../core/json.ts'
import { createHttpApp, type HttpAppOptions, type RequestOutcome } from '../http/app.ts'
import type { SignedRequest } from '../http/authentication.ts'
import type { Endpoint, UntypedCall } from '../http/endpoint.ts'
import { reply } from '../http/reply.ts'
import type { Services } from '../services/index.ts'
import type { Requester } from '../services/requester.ts'
import type { Operation } from '../spec/operation.ts'
import { FakeClock } from './fake-clock.ts'
import { openTestServer, type TestServer } from './http.ts'

const DEFAULTS: Omit<Operation, 'operationId' | 'paths'> = {
  method: 'POST',
  authentication: 'accessToken',
  rateLimit: 'write',
  body: 'json',
  bodyRequired: true,
  bodyLimit: 1000,
  userInteractive: false,
  guest: 'refuse',
  whenSuspended: 'allow',
  whenLocked: 'refuse',
  query: {},
  path: {},
}

const GET = { method: 'GET', body: 'none' } as const
const STATE = '/_matrix/client/v3/rooms/{roomId}/state/{eventType}/{stateKey}'
const TEST = '/_matrix/client/v3/test'

/** Paths that the official documents do not know, so that bodies are free. All have an alias under `r0`. */
const PATHS: Readonly<Record<string, readonly [path: string, changes: Partial<Operation>]>> = {
  echo: [`${TEST}/echo/{name}`, { path: { name: 'string' } }],
  lenient: [`${TEST}/lenient`, { bodyRequired: false }],
  open: [
    `${TEST}/open`,
    {
      ...GET,
      authentication: 'none',
      rateLimit: 'login',
      query: {
        limit: 'integer',
        flag: 'boolean',
        part: 'number',
        v: 'strings',
        kind: 'string',
        dir: 'optionalString',
      },
      queryDefaults: { kind: 'user' },
    },
  ],
  maybe: [`${TEST}/maybe`, { ...GET, authentication: 'optionalAccessToken', guest: 'allow' }],
  leave: [`${TEST}/leave`, { whenLocked: 'allow', whenSuspended: 'refuse' }],
  bridge: [`${TEST}/bridge`, { authentication: 'appServiceToken' }],
  upload: [`${TEST}/upload`, { body: 'stream' }],
  reply: [
    `${TEST}/reply/{kind}`,
    { ...GET, authentication: 'none', rateLimit: 'public', path: { kind: 'string' } },
  ],
  federate: [
    '/_matrix/federation/v3/test/{id}',
    { method: 'PUT', authentication: 'signedRequest', path: { id: 'string' } },
  ],
  state: [
    STATE,
    { ...GET, path: { roomId: 'string', eventType: 'string', stateKey: 'string' }, mayBeEmpty: 'stateKey' },
  ],
}

const OPERATIONS: Readonly<Record<string, Operation>> = Object.fromEntries(
  Object.entries(PATHS).map(([operationId, [path, changes]]) => [
    operationId,
    { ...DEFAULTS, operationId, paths: [path, path.replace('/v3/', '/r0/')], ...changes } satisfies Operation,
  ]),
)

const object = (properties: object, required: readonly string[] = []): object => ({
  type: 'object',
  properties,
  required,
})

const SCHEMAS = {
  echo: {
    path: object({ name: { type: 'string', pattern: '^@' } }),
    body: object(
      {
        count: { type: 'integer', maximum: 10 },
        who: { type: 'string', pattern: '^@' },
        kind: { enum: ['a', 'b'] },
      },
      ['count'],
    ),
  },
  open: { query: object({ dir: { type: 'string', enum: ['f', 'b'] } }) },
}

/** What is known of the owner of each access token. */
const REQUESTERS: Readonly<Record<string, Partial<Requester>>> = {
  alice: {},
  guest: { isGuest: true },
  locked: { isLocked: true },
  suspended: { isSuspended: true },
  bridge: { appServiceId: 'irc', isExemptFromRateLimits: true },
}

const REPLIES: Readonly<Record<string, () => unknown>> = {
  text: () => reply({ body: '{"spliced": true}' }),
  redirect: () => reply({ status: 307, headers: { Location: 'https://a.test/' } }),
  bytes: () =>
    reply({
      body: Buffer.from([1, 2, 3]),
      contentType: 'image/png',
      headers: { 'Cache-Control': 'max-age=60' },
    }),
  stream: () => reply({ body: Readable.from(['{"a":', '1}']) }),
  brokenHeader: () => reply({ headers: { Location: 'a\nb' } }),
  brokenRefusal: () => {
    throw new MatrixError('M_FORBIDDEN', 'no', { headers: { Location: 'a\nb' } })
  },
  brokenStream: () => reply({ body: failing() }),
  nothing: () => undefined,
  refused: () => {
    throw new MatrixError('M_FORBIDDEN', 'no', { fields: { why: 'because' } })
  },
  broken: () => {
    throw new Error('the secret is 42')
  },
}

async function* failing(): AsyncGenerator<string> {
  yield '{"a":'
  throw new Error('the stream is broken')
}

/** Without a handler of its own an operation answers what it was given. */
const echo = ({ request, ...call }: UntypedCall): unknown => ({
  ...call,
  request: { ip: request.ip, accessToken: request.accessToken, text: request.text },
})

const HANDLERS: Readonly<Record<string, (call: UntypedCall) => unknown>> = {
  reply: ({ path }) => REPLIES[String((path as { kind: string }).kind)]?.(),
  upload: async ({ body }) => {
    let size = 0
    for await (const chunk of body as AsyncIterable<Buffer>) size += chunk.length
    return { size }
  },
}

export const TEST_ENDPOINTS: readonly Endpoint[] = Object.keys(OPERATIONS).map(operationId => ({
  operationId,
  handle: async call => (HANDLERS[operationId] ?? echo)(call),
}))

export interface TestApp {
  readonly server: TestServer
  readonly clock: FakeClock
  /** What was given to `verifyRequest`; the signature `good` is right. */
  readonly signed: (Omit<SignedRequest, 'body'> & { readonly content: JsonValue | undefined })[]
  readonly outcomes: RequestOutcome[]
  readonly logged: string[]
}

/** A server with its own clock, without rate limits but those given, closed at the end of the test. */
export const openTestApp = async (
  t: { teardown(fn: () => Promise<void>): void },
  changes: Partial<HttpAppOptions> = {},
): Promise<TestApp> => {
  const clock = new FakeClock()
  const signed: TestApp['signed'] = []
  const outcomes: RequestOutcome[] = []
  const logged: string[] = []
  const note = (fields: object, message: string): void => {
    logged.push(`${message} ${(fields as { err?: Error }).err?.message ?? ''} ${JSON.stringify(fields)}`)
  }
  const app = createHttpApp({
    endpoints: TEST_ENDPOINTS,
    operations: OPERATIONS,
    schemas: SCHEMAS,
    services: {} as Services,
    authenticate: async (token, { assertedUserId, assertedDeviceId }) => {
      const known = REQUESTERS[token]
      if (!known) throw new MatrixError('M_UNKNOWN_TOKEN', 'Unknown access token')
      const userId = assertedUserId ?? `@${token}:test`
      return { userId, deviceId: assertedDeviceId, tokenId: 't', isGuest: false, isAdmin: false, ...known }
    },
    verifyRequest: async ({ body, ...request }) => {
      signed.push({ ...request, content: (await body())?.content() })
      if (request.signature !== 'good') throw new MatrixError('M_UNAUTHORIZED', 'The signature is wrong')
    },
    clock,
    log: { debug: note, info: note, warn: note, error: note },
    onResponse: outcome => outcomes.push(outcome),
    ...changes,
  })
  const server = await openTestServer(app)
  t.teardown(() => server.close())
  return { server, clock, signed, outcomes, logged }
}

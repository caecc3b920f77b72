import { randomBytes } from 'node:crypto'
import type { TestFn } from 'ava'
import type { JsonValue } from '../core/json.ts'
import { signingKeyFromSeed } from '../core/signing.ts'
import {
  createFederationClient,
  type FederationClient,
  FederationError,
} from '../network/federation-client.ts'
import { httpPort } from './http-port.ts'

/** A request that a client made. */
export interface Sent {
  readonly line: string
  readonly body: JsonValue
}

/** A client whose requests are answered by a list, in order; a number is a status. */
export const clientThatGets = (...answers: (JsonValue | number)[]) => {
  const sent: Sent[] = []
  const federation = createFederationClient({
    serverName: 'here.test',
    signingKey: signingKeyFromSeed('ed25519:1', randomBytes(32)),
    discovery: { resolve: async name => ({ candidates: [], hostHeader: name, tlsServerName: name }) },
    http: httpPort(async ({ method, path, body }) => {
      sent.push({ line: `${method} ${path}`, body: body === undefined ? null : JSON.parse(body) })
      const answer = answers.shift() ?? null
      const status = typeof answer === 'number' ? answer : 200
      return { status, headers: {}, body: Buffer.from(status === 200 ? JSON.stringify(answer) : '{}') }
    }),
  })
  return { federation, sent }
}

/** A call of the federation client: what must be sent for it, and what is made of the answer. */
export interface EndpointCase {
  readonly call: (federation: FederationClient) => Promise<unknown>
  readonly line: string
  readonly body?: JsonValue
  readonly answer: JsonValue
  readonly result: unknown
}

/** Declares a test for each case. */
export const testEndpoints = (test: TestFn, cases: Readonly<Record<string, EndpointCase>>): void => {
  for (const [name, { call, line, body = null, answer, result }] of Object.entries(cases)) {
    test(`${name}: what is sent, and what is made of the answer`, async t => {
      const { federation, sent } = clientThatGets(answer)
      t.deepEqual(await call(federation), result)
      t.deepEqual(sent, [{ line, body }])
    })
  }
}

/** Whether an error says that a peer's answer does not have the right form. */
export const isMalformed = (error: unknown): boolean =>
  error instanceof FederationError && error.kind === 'malformed'

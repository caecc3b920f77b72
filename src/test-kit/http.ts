/** Talks HTTP to a server under test, and holds every response against the official schemas. */
import { Agent, request as httpRequest, type IncomingHttpHeaders, type IncomingMessage } from 'node:http'
import { type Listener, openListener } from '../http/listener.ts'
import { officialResponseValidator, type ResponseValidator } from './responses.ts'
import { waitingFor } from './waiting.ts'

export { officialResponseValidator, type ResponseValidator } from './responses.ts'

export interface TestRequest {
  /** Sent as `Authorization: Bearer`. */
  readonly token?: string
  readonly json?: unknown
  /** Sent as it is; `json` wins. */
  readonly body?: string | Uint8Array
  readonly headers?: Readonly<Record<string, string | readonly string[]>>
}

export interface TestResponse {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  /** Parsed when it is JSON; otherwise the text. Tests narrow it by what they expect. */
  readonly body: unknown
  readonly bytes: Buffer
}

/** Status and error code, such as `403 M_FORBIDDEN`; `401 -` where there is no code. */
export const codeOf = ({ status, body }: Pick<TestResponse, 'status' | 'body'>): string =>
  `${status} ${(body as { readonly errcode?: string }).errcode ?? '-'}`

export interface TestClient {
  /**
   * Sends one request; the target goes out as it is given. Rejects when the response breaks the official schema, so
   * that no test has to check its shape.
   */
  request(method: string, target: string, options?: TestRequest): Promise<TestResponse>
}

let shared: ResponseValidator | undefined

/** A client of whatever listens at `url`. */
export const createTestClient = (url: string): TestClient => {
  shared ??= officialResponseValidator()
  const validator = shared
  const agent = new Agent({ keepAlive: true })
  return {
    async request(method, target, options = {}) {
      const exchanged = exchange(agent, url, method, target, options)
      const response = await waitingFor(`${method} ${target}`, exchanged)
      const problems = judge(validator, method, target, response)
      if (problems.length === 0) return response
      throw new Error(
        `${method} ${target} answered ${response.status} ${response.bytes.toString()}\n${problems.join('\n')}`,
      )
    },
  }
}

export interface TestServer extends TestClient {
  readonly url: string
  readonly port: number
  close(): Promise<void>
}

/** Puts an app on a free port of the loopback interface. */
export const openTestServer = async (app: { handler: ListenerHandler }): Promise<TestServer> => {
  const listener = await openListener({ handler: app.handler, host: '127.0.0.1', port: 0 })
  return {
    ...createTestClient(listener.url),
    url: listener.url,
    port: listener.port,
    close: () => listener.close(0),
  }
}

type ListenerHandler = Parameters<typeof openListener>[0]['handler']

export type { Listener }

const exchange = async (
  agent: Agent,
  url: string,
  method: string,
  target: string,
  options: TestRequest,
): Promise<TestResponse> => {
  const body = options.json === undefined ? options.body : JSON.stringify(options.json)
  const headers = {
    ...(options.token === undefined ? {} : { authorization: `Bearer ${options.token}` }),
    ...(body === undefined || options.headers?.['transfer-encoding']
      ? {}
      : { 'content-length': String(Buffer.byteLength(body)) }),
    ...options.headers,
  }
  const { hostname, port } = new URL(url)
  const incoming = await new Promise<IncomingMessage>((resolve, reject) => {
    const outgoing = httpRequest({ agent, hostname, port, method, path: target, headers }, resolve)
    outgoing.on('error', reject)
    outgoing.end(body)
  })
  const chunks: Buffer[] = []
  for await (const chunk of incoming) chunks.push(chunk as Buffer)
  const bytes = Buffer.concat(chunks)
  const isJson = /^application\/json\b/.test(incoming.headers['content-type'] ?? '') && bytes.length > 0
  return {
    status: incoming.statusCode ?? 0,
    headers: incoming.headers,
    body: isJson ? (JSON.parse(bytes.toString()) as unknown) : bytes.toString(),
    bytes,
  }
}

const judge = (
  validator: ResponseValidator,
  method: string,
  target: string,
  response: TestResponse,
): string[] => {
  // A pre-flight or redirect has no body of an operation.
  if (method === 'OPTIONS' || (response.status >= 300 && response.status < 400)) return []
  return validator.check(method, target, response.status, response.body)
}

import type { AppService } from '../core/app-service.ts'
import type { Clock } from '../core/clock.ts'
import type { JsonValue } from '../core/json.ts'
import { parseJson } from '../core/parse-json.ts'
import type { HttpClient } from './http-client.ts'
import { ANYWHERE, type Outgoing, openHttpClient } from './outgoing.ts'
import { targetOfUrl } from './redirects.ts'

/** What an application service answers; a status that is no success is an answer too. */
export interface AppServiceAnswer {
  readonly status: number
  readonly text: string
}

/** Requests to application services (application-service API, "Homeserver -> Application Service API"). */
export interface AppServiceClient {
  /** Pushes a transaction. @throws {OutboundError}; `AppServiceError` unless the answer is a success */
  transaction(service: AppService, txnId: string, body: string, signal: AbortSignal): Promise<void>
  /** @throws {OutboundError} where no answer came */
  ping(service: AppService, transactionId: string | undefined): Promise<AppServiceAnswer>
  /**
   * Asks for something, such as `users/@a:b`. `undefined`: there is none, or no usable answer.
   * @param path below `/_matrix/app/v1/`, percent-encoded
   */
  query(service: AppService, path: string): Promise<JsonValue | undefined>
  close(): Promise<void>
}

/** The application service answers, but not with success. */
export class AppServiceError extends Error {
  override readonly name = 'AppServiceError'
  readonly status: number
  constructor(status: number) {
    super(`the application service answered ${status}`)
    this.status = status
  }
}

const TRANSACTION_TIMEOUT_MS = 60_000
const QUERY_TIMEOUT_MS = 20_000
/** "Homeservers should periodically try again for the newer endpoints." */
const LEGACY_FOR_MS = 3_600_000
/** What a service, or a proxy before it, says that cannot answer just now. */
const MAY_HAVE_FAILED: ReadonlySet<number> = new Set([429, 500, 502, 503, 504])

type Http = Pick<HttpClient, 'request' | 'close'>
type Call = {
  readonly method: 'GET' | 'PUT' | 'POST'
  readonly path: string
  readonly body?: string
  readonly timeoutMs: number
  readonly signal?: AbortSignal
}

/**
 * Speaks to application services. Where one knows only the paths of before version 1.0 ("Legacy routes"), these are
 * used for a while.
 */
export const appServiceClient = (http: Http, clock: Clock): AppServiceClient => {
  /** Service ID → until when its old paths are used. */
  const legacy = new Map<string, number>()

  const send = async (service: AppService, prefix: string, call: Call): Promise<AppServiceAnswer> => {
    const url = new URL(service.url ?? 'http://nowhere.invalid')
    const base = url.pathname.replace(/\/+$/, '')
    const answer = await http.request({
      ...call,
      target: targetOfUrl(url),
      path: `${base}${prefix}${call.path}`,
      headers: {
        authorization: `Bearer ${service.hsToken}`,
        ...(call.body === undefined ? {} : { 'content-type': 'application/json' }),
      },
    })
    return { status: answer.status, text: answer.body.toString('utf8') }
  }

  const withFallback = async (service: AppService, old: string, call: Call): Promise<AppServiceAnswer> => {
    const isLegacy = (legacy.get(service.id) ?? 0) > clock.now()
    const first = await send(service, isLegacy ? old : '/_matrix/app/v1', call)
    if (isLegacy || !mayBeUnknownPath(first)) return first
    const second = await send(service, old, call)
    if (mayBeUnknownPath(second)) return first
    // One that has failed may know the path all the same, and answer anything.
    if (!MAY_HAVE_FAILED.has(first.status)) legacy.set(service.id, clock.now() + LEGACY_FOR_MS)
    return second
  }

  return {
    transaction: async (service, txnId, body, signal) => {
      const path = `/transactions/${encodeURIComponent(txnId)}`
      const call = { method: 'PUT', path, body, timeoutMs: TRANSACTION_TIMEOUT_MS, signal } as const
      const { status } = await withFallback(service, '', call)
      if (status < 200 || status > 299) throw new AppServiceError(status)
    },
    ping: (service, transactionId) =>
      send(service, '/_matrix/app/v1', {
        method: 'POST',
        path: '/ping',
        body: JSON.stringify(transactionId === undefined ? {} : { transaction_id: transactionId }),
        timeoutMs: QUERY_TIMEOUT_MS,
      }),
    query: async (service, path) => {
      const old = path.startsWith('thirdparty/') ? '/_matrix/app/unstable' : ''
      const call = { method: 'GET', path: `/${path}`, timeoutMs: QUERY_TIMEOUT_MS } as const
      const { status, text } = await withFallback(service, old, call)
      if (status < 200 || status > 299) return undefined
      try {
        return text === '' ? {} : parseJson(text)
      } catch {
        return undefined
      }
    },
    close: () => http.close(),
  }
}

/**
 * Whether the old path is worth a try: "if the application service receives an HTTP status code that does not indicate
 * success (i.e.: 404, 500, 501, etc)". Only a service that knows the path refuses something with an error code of its
 * own, such as a user who does not exist.
 */
const mayBeUnknownPath = ({ status, text }: AppServiceAnswer): boolean => {
  if (status < 300) return false
  return status >= 500 || text.includes('M_UNRECOGNIZED') || !text.includes('"errcode"')
}

/**
 * Opens the way to application services. Their addresses come from the operator, so that the address policy for
 * strangers does not apply: a bridge stands mostly beside its server.
 */
export const openAppServiceClient = (outgoing: Outgoing): AppServiceClient =>
  appServiceClient(openHttpClient({ ...outgoing, ...ANYWHERE }), outgoing.clock)

import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http'
import type { Departure } from '../services/departure.ts'
import type { RequestFacts } from './endpoint.ts'

/** Tells that a response was closed before it was complete. */
class ClientDeparture implements Departure {
  readonly #response: ServerResponse

  constructor(response: ServerResponse) {
    this.#response = response
  }

  get aborted(): boolean {
    return this.#response.closed && !this.#response.writableFinished
  }

  /** Whoever is answered listens no more by then. */
  addEventListener(_type: 'abort', listener: () => void): void {
    this.#response.on('close', listener)
  }

  removeEventListener(_type: 'abort', listener: () => void): void {
    this.#response.off('close', listener)
  }
}

/** The facts of one request, gathered as the pipeline goes; costly ones are made when somebody asks. */
export class GatheredFacts implements RequestFacts {
  readonly id: string
  readonly method: string
  readonly uri: string
  readonly headers: IncomingHttpHeaders
  readonly ip: string
  accessToken: string | undefined
  text = ''
  readonly #response: ServerResponse
  #abort: AbortController | undefined

  constructor(request: IncomingMessage, response: ServerResponse, id: string, ip: string) {
    this.id = id
    this.method = request.method ?? 'GET'
    this.uri = request.url ?? '/'
    this.headers = request.headers
    this.ip = ip
    this.#response = response
  }

  get userAgent(): string | undefined {
    return this.headers['user-agent']
  }

  get departure(): Departure {
    return new ClientDeparture(this.#response)
  }

  get signal(): AbortSignal {
    if (this.#abort) return this.#abort.signal
    const abort = new AbortController()
    this.#abort = abort
    const gone = (): void => {
      if (!this.#response.writableFinished) abort.abort(new Error('the client has gone'))
    }
    if (this.#response.closed) gone()
    else this.#response.once('close', gone)
    return abort.signal
  }
}

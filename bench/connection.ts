import { connect as connectPlain, type Socket } from 'node:net'
import { connect as connectTls } from 'node:tls'
import { type RawResponse, ResponseParser } from './response-parser.ts'

/** What one call sends. `body` is JSON text. */
export interface RequestParts {
  method: 'GET' | 'POST' | 'PUT'
  path: string
  token?: string | undefined
  body?: string | undefined
}

interface InFlight {
  text: string
  /** A request may be repeated when the server closed an idle connection under our hands (RFC 9110 §9.2.2). */
  repeatable: boolean
  resolve(response: RawResponse): void
  reject(error: Error): void
}

/**
 * One keep-alive connection with one request at a time: about a third of the CPU of Node's own clients, which
 * matters since generator and server share the machine.
 */
export class Connection {
  private socket: Socket | undefined
  private parser = new ResponseParser()
  private current: InFlight | undefined
  private readonly origin: URL
  private readonly headers: string

  /** @param base URL of the server; `https:` works too, and does not verify certificates */
  constructor(base: string) {
    this.origin = new URL(base)
    this.headers = ` HTTP/1.1\r\nhost: ${this.origin.host}\r\naccept: application/json\r\n`
  }

  /**
   * Sends one request over the kept connection and waits for the whole response, whatever its status.
   * @throws Error when the connection fails, or when a request is still in flight
   */
  request(parts: RequestParts): Promise<RawResponse> {
    if (this.current !== undefined) throw new Error('a request is in flight on this connection')
    const { promise, resolve, reject } = Promise.withResolvers<RawResponse>()
    this.current = { text: this.render(parts), repeatable: parts.method !== 'POST', resolve, reject }
    this.write(this.current)
    return promise
  }

  /** Closes the socket; a request in flight fails. */
  close(): void {
    this.socket?.destroy()
    this.fail(new Error('connection closed'))
  }

  private render({ method, path, token, body }: RequestParts): string {
    const authorization = token === undefined ? '' : `authorization: Bearer ${token}\r\n`
    if (body === undefined) return `${method} ${path}${this.headers}${authorization}\r\n`
    const length = `content-type: application/json\r\ncontent-length: ${Buffer.byteLength(body)}\r\n\r\n`
    return `${method} ${path}${this.headers}${authorization}${length}${body}`
  }

  private write(request: InFlight): void {
    this.socket ??= this.open()
    this.socket.write(request.text)
  }

  private open(): Socket {
    const port = Number(this.origin.port) || (this.origin.protocol === 'https:' ? 443 : 80)
    const host = this.origin.hostname.replace(/^\[|\]$/g, '')
    const socket =
      this.origin.protocol === 'https:'
        ? connectTls({ host, port, servername: host, rejectUnauthorized: false })
        : connectPlain({ host, port })
    socket.setNoDelay(true)
    let used = false
    socket.on('data', bytes => {
      used = true
      this.receive(socket, bytes)
    })
    socket.on('error', () => socket.destroy())
    socket.on('close', () => this.closed(socket, used))
    return socket
  }

  private receive(socket: Socket, bytes: Buffer): void {
    try {
      const response = this.parser.push(bytes)
      if (response === undefined) return
      if (response.close) this.drop(socket)
      const request = this.current
      this.current = undefined
      request?.resolve(response)
    } catch (error) {
      this.drop(socket)
      this.fail(error instanceof Error ? error : new Error(String(error)))
    }
  }

  private drop(socket: Socket): void {
    if (this.socket === socket) this.socket = undefined
    this.parser = new ResponseParser()
    socket.destroy()
  }

  /** @param used whether the socket had answered before, so that its end may just be a keep-alive time-out */
  private closed(socket: Socket, used: boolean): void {
    if (this.socket !== socket) return
    this.socket = undefined
    const request = this.current
    const response = this.parser.end()
    const untouched = !this.parser.started
    this.parser = new ResponseParser()
    if (request === undefined) return
    if (response !== undefined) {
      this.current = undefined
      request.resolve(response)
    } else if (used && untouched && request.repeatable) this.write(request)
    else this.fail(new Error(`the server closed the connection during ${request.text.split('\r\n', 1)[0]}`))
  }

  private fail(error: Error): void {
    const request = this.current
    this.current = undefined
    request?.reject(error)
  }
}

import { mkdtempSync, rmSync } from 'node:fs'
import { connect, createServer, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { ExecutionContext } from 'ava'

/** Stands between a client and a PostgreSQL server, and can hold up or cut the line at a chosen moment. */
export class PostgresProxy {
  /** The server's database, by way of the proxy. */
  readonly url: string
  /** Whether to cut the connection instead of passing something on; the text is the raw protocol. */
  cutAt: (text: string, from: 'client' | 'server') => boolean = () => false
  /** Until when to hold back something, and all that follows it on the same line. */
  holdAt: (text: string, from: 'client' | 'server') => Promise<void> | undefined = () => undefined
  readonly #lines = new Set<Socket>()
  /** On which nothing passes any more. */
  readonly #dead = new WeakSet<Socket>()

  /** `url` leads to the server; the proxy ends with the test. */
  static async start(t: ExecutionContext, url: string): Promise<PostgresProxy> {
    const directory = mkdtempSync(join(tmpdir(), 'tessera-'))
    t.teardown(() => rmSync(directory, { recursive: true, force: true }))
    const proxied = new URL(url)
    proxied.searchParams.set('host', directory)
    const proxy = new PostgresProxy(proxied.href)
    const server = createServer(socket => proxy.#serve(socket, connect(addressOf(new URL(url)))))
    await new Promise<void>(resolve => server.listen(join(directory, '.s.PGSQL.5432'), resolve))
    t.teardown(() => {
      server.close()
      proxy.cut()
    })
    return proxy
  }

  private constructor(url: string) {
    this.url = url
  }

  /** Cuts all connections that there are now. */
  cut(): void {
    for (const line of this.#lines) line.destroy()
  }

  /** Lets nothing pass any more on the connections that there are now, and says nothing of it. */
  vanish(): void {
    for (const line of this.#lines) this.#dead.add(line)
  }

  #serve(client: Socket, server: Socket): void {
    for (const [from, one, other] of [
      ['client', client, server],
      ['server', server, client],
    ] as const) {
      this.#lines.add(one)
      let held: Promise<void> | undefined
      one.on('error', () => undefined)
      one.on('data', chunk => {
        const text = chunk.toString('latin1')
        if (this.cutAt(text, from)) {
          one.destroy()
          return
        }
        const until = this.holdAt(text, from)
        if (this.#dead.has(one)) return
        if (held === undefined && until === undefined) other.write(chunk)
        else held = Promise.all([held, until]).then(() => void other.write(chunk))
      })
      one.on('close', () => {
        this.#lines.delete(one)
        other.destroy()
      })
    }
  }
}

const addressOf = (url: URL): { path: string } | { host: string; port: number } => {
  const directory = url.searchParams.get('host')
  const port = Number(url.port || 5432)
  return directory?.startsWith('/')
    ? { path: join(directory, `.s.PGSQL.${port}`) }
    : { host: url.hostname, port }
}

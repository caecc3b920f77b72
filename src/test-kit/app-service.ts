import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import type { ExecutionContext } from 'ava'
import { stringify } from 'yaml'
import { temporaryDirectory } from './temporary-directory.ts'
import { waitingFor } from './waiting.ts'

/** A request that an application service was sent. */
export interface AppServiceRequest {
  readonly method: string
  readonly path: string
  readonly token: string | undefined
  readonly body: Record<string, unknown>
}

type Answer = { readonly status?: number; readonly body?: unknown }

/** An application service that keeps what it is sent, and answers as it is set. */
export class ScriptedAppService {
  readonly url: string
  readonly requests: AppServiceRequest[] = []
  /** By the beginning of the path; 200 `{}` for transactions, else 404. */
  answer: (request: AppServiceRequest) => Answer | Promise<Answer> = ({ path }) =>
    path.includes('/transactions/') ? {} : { status: 404, body: { errcode: 'M_NOT_FOUND' } }
  readonly #waiting = new Set<() => void>()

  private constructor(url: string) {
    this.url = url
  }

  static async start(t: ExecutionContext): Promise<ScriptedAppService> {
    const server = createServer((request, response) => {
      const chunks: Buffer[] = []
      request.on('data', (chunk: Buffer) => chunks.push(chunk))
      request.on('end', async () => {
        const text = Buffer.concat(chunks).toString()
        const { status = 200, body = {} } = await service.#take({
          method: request.method ?? '',
          path: request.url ?? '',
          token: request.headers.authorization?.replace('Bearer ', ''),
          body: text === '' ? {} : (JSON.parse(text) as Record<string, unknown>),
        })
        response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
      })
    })
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    const service = new ScriptedAppService(`http://127.0.0.1:${(server.address() as AddressInfo).port}`)
    t.teardown(() => {
      server.closeAllConnections()
      server.close()
    })
    return service
  }

  /** What transactions have told under a name (`events`, `ephemeral`, …), once each transaction. */
  told(name: string): Record<string, unknown>[] {
    const seen = new Map<string, unknown>()
    for (const { path, body } of this.requests) {
      const [, txnId] = /\/transactions\/([^?]*)/.exec(path) ?? []
      if (txnId !== undefined) seen.set(txnId, body[name])
    }
    return [...seen.values()].flatMap(value => (Array.isArray(value) ? value : [])) as Record<
      string,
      unknown
    >[]
  }

  /** Resolves once something holds; it is looked at with every request. */
  async until(holds: () => boolean): Promise<void> {
    const look = async (): Promise<void> => {
      while (!holds()) await new Promise<void>(resolve => this.#waiting.add(resolve))
    }
    await waitingFor('what an application service is to be told', look())
  }

  async #take(request: AppServiceRequest): Promise<Answer> {
    this.requests.push(request)
    const answer = await this.answer(request)
    for (const resolve of this.#waiting) resolve()
    this.#waiting.clear()
    return answer
  }
}

/** Writes registrations into a directory of their own, and answers it. */
export const registrations = (t: ExecutionContext, ...services: readonly object[]): string => {
  const directory = temporaryDirectory(t)
  for (const [index, service] of services.entries())
    writeFileSync(join(directory, `${index}.yaml`), stringify(service))
  return directory
}

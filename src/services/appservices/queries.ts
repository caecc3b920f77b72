import type { AppService } from '../../core/app-service.ts'
import type { Log } from '../../core/log.ts'
import type { AppServiceClient } from '../../network/app-service-client.ts'
import type { AppServiceRegistry } from './registry.ts'

/** How often an unanswered question is asked: "the homeserver should retry several times before timing out". */
const ATTEMPTS = 2

/**
 * Asks services for users and rooms in their namespaces that do not exist here (application-service API, "Querying").
 * A service that says yes has made what was asked for by then, so that the caller only has to look again. Questions
 * for the same ID at the same time are asked once.
 */
export class AppServiceQueries {
  readonly #registry: AppServiceRegistry
  readonly #client: AppServiceClient
  readonly #log: Log
  readonly #asking = new Map<string, Promise<boolean>>()

  constructor(parts: { registry: AppServiceRegistry; client: AppServiceClient; log: Log }) {
    this.#registry = parts.registry
    this.#client = parts.client
    this.#log = parts.log
  }

  /** Whether some service says that it has made this local user. */
  user(userId: string): Promise<boolean> {
    return this.#ask('users', 'users', userId)
  }

  /** Whether some service says that it has made a room with this alias. */
  alias(alias: string): Promise<boolean> {
    return this.#ask('aliases', 'rooms', alias)
  }

  #ask(kind: 'users' | 'aliases', path: string, id: string): Promise<boolean> {
    const services = this.#registry.interestedIn(kind, id)
    if (services.length === 0) return Promise.resolve(false)
    const running = this.#asking.get(id)
    if (running !== undefined) return running
    const asked = this.#askAll(services, `${path}/${encodeURIComponent(id)}`)
    this.#asking.set(id, asked)
    return asked.finally(() => this.#asking.delete(id))
  }

  async #askAll(services: readonly AppService[], path: string): Promise<boolean> {
    for (const service of services) if (await this.#exists(service, path)) return true
    return false
  }

  async #exists(service: AppService, path: string): Promise<boolean> {
    for (let attempt = 1; attempt <= ATTEMPTS; attempt++) {
      try {
        return (await this.#client.query(service, path)) !== undefined
      } catch (error) {
        this.#log.info(
          { err: error, service: service.id, attempt },
          'an application service could not be asked',
        )
      }
    }
    return false
  }
}

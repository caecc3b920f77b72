import type { AppService } from '../../core/app-service.ts'
import { MatrixError } from '../../core/errors.ts'
import type { Log } from '../../core/log.ts'
import type { AppServiceClient } from '../../network/app-service-client.ts'
import type { AppServiceRegistry } from './registry.ts'

/** How often an unanswered question is asked: "the homeserver should retry several times before timing out". */
const ATTEMPTS = 2

/** What became of a question; `silence` where no service said yes and some could not be asked. */
type Answer = 'yes' | 'no' | 'silence'

/**
 * Asks services for users and rooms in their namespaces that do not exist here (application-service API, "Querying").
 * A service that says yes has made what was asked for by then, so that the caller only has to look again. Questions
 * for the same ID at the same time are asked once.
 */
export class AppServiceQueries {
  readonly #registry: Pick<AppServiceRegistry, 'interestedIn'>
  readonly #client: Pick<AppServiceClient, 'query'>
  readonly #log: Log
  readonly #asking = new Map<string, Promise<Answer>>()

  constructor(parts: {
    registry: Pick<AppServiceRegistry, 'interestedIn'>
    client: Pick<AppServiceClient, 'query'>
    log: Log
  }) {
    this.#registry = parts.registry
    this.#client = parts.client
    this.#log = parts.log
  }

  /** Whether some service says that it has made this local user. Throws `M_UNKNOWN` (408) where it does not say. */
  async user(userId: string): Promise<boolean> {
    return said(await this.#ask('users', 'users', userId), 'Who knows of this user does not answer')
  }

  /** Whether some service says that it has made a room with this alias. Throws `M_UNKNOWN` (408) where it does not say. */
  async alias(alias: string): Promise<boolean> {
    return said(await this.#ask('aliases', 'rooms', alias), 'Who knows of this room does not answer')
  }

  #ask(kind: 'users' | 'aliases', path: string, id: string): Promise<Answer> {
    const services = this.#registry.interestedIn(kind, id)
    if (services.length === 0) return Promise.resolve('no')
    const running = this.#asking.get(id)
    if (running !== undefined) return running
    const asked = this.#askAll(services, `${path}/${encodeURIComponent(id)}`)
    this.#asking.set(id, asked)
    return asked.finally(() => this.#asking.delete(id))
  }

  async #askAll(services: readonly AppService[], path: string): Promise<Answer> {
    let answer: Answer = 'no'
    for (const service of services) {
      const one = await this.#askOne(service, path)
      if (one === 'yes') return one
      if (one === 'silence') answer = one
    }
    return answer
  }

  async #askOne(service: AppService, path: string): Promise<Answer> {
    for (let attempt = 1; attempt <= ATTEMPTS; attempt++) {
      try {
        return (await this.#client.query(service, path)) === undefined ? 'no' : 'yes'
      } catch (error) {
        this.#log.info(
          { err: error, service: service.id, attempt },
          'an application service could not be asked',
        )
      }
    }
    return 'silence'
  }
}

/** Silence "should result in an HTTP status 408 on the client which initiated this request (e.g. to join a room alias)". */
const said = (answer: Answer, silence: string): boolean => {
  if (answer === 'silence') throw new MatrixError('M_UNKNOWN', silence, { status: 408 })
  return answer === 'yes'
}

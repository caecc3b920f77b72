import { type AppService, isClaimed, isCovered, isUserOf } from '../../core/app-service.ts'
import { MatrixError } from '../../core/errors.ts'
import { serverNameOf } from '../../core/ids.ts'
import type { Requester } from '../requester.ts'

/** The application services of this server, and what belongs to whom. Services never change while a server runs. */
export class AppServiceRegistry {
  readonly all: readonly AppService[]
  readonly #serverName: string
  readonly #byToken: ReadonlyMap<string, AppService>
  readonly #byId: ReadonlyMap<string, AppService>

  constructor(services: readonly AppService[], serverName: string) {
    this.all = services
    this.#serverName = serverName
    this.#byToken = new Map(services.map(service => [service.asToken, service]))
    this.#byId = new Map(services.map(service => [service.id, service]))
  }

  byToken(token: string): AppService | undefined {
    return this.#byToken.get(token)
  }

  /** Tells whose tokens these are; `undefined` where there are no services. */
  get isServiceToken(): ((token: string) => boolean) | undefined {
    return this.all.length === 0 ? undefined : token => this.#byToken.has(token)
  }

  byId(id: string): AppService | undefined {
    return this.#byId.get(id)
  }

  /** Whether a user ID is this server's own: "application services can only register interest in local users". */
  isLocal(userId: string): boolean {
    return serverNameOf(userId) === this.#serverName
  }

  /** Whether some service has a user ID for itself, so that people cannot register it. */
  isExclusiveUser(userId: string): boolean {
    return this.all.some(service => userId === service.senderId || isClaimed(service.users, userId))
  }

  /** Whose user a local user is, and nobody else's. Services also have namespaces of people, for whom they act at times. */
  ofUser(userId: string): AppService | undefined {
    return this.all.find(service => userId === service.senderId || isClaimed(service.users, userId))
  }

  /** The services that may know of something that does not exist here, by its ID. */
  interestedIn(kind: 'users' | 'aliases', id: string): AppService[] {
    return this.all.filter(service => service.url !== undefined && isCovered(service[kind], id))
  }

  /** The service that a request comes from, if it comes from one. */
  of({ appServiceId }: Pick<Requester, 'appServiceId'>): AppService | undefined {
    return appServiceId === undefined ? undefined : this.#byId.get(appServiceId)
  }

  /** Who is one of the requesting service's users; nothing where the requester is no service. */
  usersOf(requester: Pick<Requester, 'appServiceId'>): ((userId: string) => boolean) | undefined {
    const service = this.of(requester)
    return service && (userId => this.isLocal(userId) && isUserOf(service, userId))
  }

  /** Whether the requester is a service in whose namespace an alias is, and so has "full control" over it. */
  controlsAlias(requester: Pick<Requester, 'appServiceId'>, alias: string): boolean {
    const service = this.of(requester)
    return service !== undefined && isCovered(service.aliases, alias)
  }

  /**
   * Refuses an alias that is not the requester's to make: one that a service has for itself, and, for services, one
   * outside of their namespaces.
   * @throws {MatrixError} `M_EXCLUSIVE`
   */
  checkNewAlias(requester: Pick<Requester, 'appServiceId'>, alias: string): void {
    const own = this.of(requester)
    if (own !== undefined && !isCovered(own.aliases, alias)) {
      throw new MatrixError(
        'M_EXCLUSIVE',
        'The alias is outside of the namespaces of this application service.',
      )
    }
    this.checkForeignAlias(requester, alias)
  }

  /**
   * Refuses to touch an alias that another service has for itself.
   * @throws {MatrixError} `M_EXCLUSIVE`
   */
  checkForeignAlias(requester: Pick<Requester, 'appServiceId'>, alias: string): void {
    const own = this.of(requester)
    if (this.all.some(service => service !== own && isClaimed(service.aliases, alias))) {
      throw new MatrixError('M_EXCLUSIVE', 'The alias is reserved for an application service.')
    }
  }

  /**
   * Refuses a user who is not the service's to make or to log in.
   * @throws {MatrixError} `M_EXCLUSIVE`
   */
  checkUser(service: AppService, userId: string): void {
    if (!isUserOf(service, userId)) {
      throw new MatrixError(
        'M_EXCLUSIVE',
        'The user is outside of the namespaces of this application service.',
      )
    }
    const isOthers = this.all.some(
      other => other !== service && (userId === other.senderId || isClaimed(other.users, userId)),
    )
    if (isOthers && userId !== service.senderId) {
      throw new MatrixError('M_EXCLUSIVE', 'The user is reserved for another application service.')
    }
  }

  /**
   * The service that an `as_token` belongs to, for operations where only one can be meant.
   * @throws {MatrixError} `M_MISSING_TOKEN`, `M_UNKNOWN_TOKEN`
   */
  require(token: string | undefined): AppService {
    if (token === undefined) throw new MatrixError('M_MISSING_TOKEN', 'The as_token is missing.')
    const service = this.byToken(token)
    if (service === undefined)
      throw new MatrixError('M_UNKNOWN_TOKEN', 'No application service has this token.')
    return service
  }
}

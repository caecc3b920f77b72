import type { AppService } from '../../core/app-service.ts'
import type { Clock } from '../../core/clock.ts'
import { MatrixError } from '../../core/errors.ts'
import type { Log } from '../../core/log.ts'
import type { AppServiceClient } from '../../network/app-service-client.ts'
import { OutboundError } from '../../network/outbound-error.ts'
import { AppServiceWriter } from '../../storage/appservices/app-services.ts'
import type { Accounts } from '../accounts/index.ts'
import { persevere } from '../persevere.ts'
import type { Requester } from '../requester.ts'
import { Absences } from './absences.ts'
import { AppServiceIdentity } from './identity.ts'
import type { OutboxParts } from './outbox.ts'
import { AppServiceQueries } from './queries.ts'
import { AppServiceRegistry } from './registry.ts'
import { instanceId, ThirdPartyNetworks } from './third-party.ts'
import { AppServiceWorker } from './worker.ts'

/** How application services register and log in their users. */
export const SERVICE_LOGIN = 'm.login.application_service'

/** Application services: bridges and bots that act for many users (application-service API). */
export class AppServices {
  readonly registry: AppServiceRegistry
  readonly identity: AppServiceIdentity
  readonly queries: AppServiceQueries
  readonly thirdParty: ThirdPartyNetworks
  readonly #parts: AppServicesParts
  readonly #write: AppServiceWriter
  readonly #workers: ReadonlyMap<string, AppServiceWorker>
  readonly #absences: Absences
  /** Service ID → when all processes were last told that it has been heard of. */
  readonly #heard = new Map<string, number>()
  readonly #closing = new AbortController()
  #senders: Promise<void> | undefined
  #starting: Promise<void> | undefined

  constructor(parts: AppServicesParts) {
    const { services, accounts, client, clock, context } = parts
    const log = parts.log.child({ part: 'appservices' })
    this.#parts = parts
    this.registry = new AppServiceRegistry(services, context.serverName)
    this.identity = new AppServiceIdentity(this.registry, accounts, service => this.#heardOf(service))
    this.queries = new AppServiceQueries({ registry: this.registry, client, log })
    this.thirdParty = new ThirdPartyNetworks({ registry: this.registry, client, clock })
    this.#write = new AppServiceWriter(context.db)
    this.#absences = new Absences(context.db, clock)
    this.#workers = new Map(
      services
        .filter(({ url }) => url !== undefined)
        .map(service => [service.id, new AppServiceWorker(service, { ...parts, log })]),
    )
    // Whichever process has heard of a service: the one that tells it what is new waits no longer.
    context.processes.bulletin.on('app service', id => this.#workers.get(String(id))?.isAlive())
  }

  /** Begins to tell the services what is for them. Their senders are made where they are not there yet. */
  start(): void {
    this.#senders ??= this.#makeSenders()
    this.#starting ??= this.#tell()
  }

  async close(): Promise<void> {
    this.#closing.abort()
    await Promise.all([this.#senders, this.#starting])
    await Promise.all([...this.#workers.values()].map(worker => worker.close()))
    await this.#parts.client.close()
  }

  /**
   * Has this server call a service, for the service to see whether that works ("Pinging").
   *
   * @returns how long it took, in milliseconds
   * @throws {MatrixError} `M_FORBIDDEN`: another service's ID; `M_URL_NOT_SET`, `M_BAD_STATUS`, `M_CONNECTION_FAILED`,
   *   `M_CONNECTION_TIMEOUT`
   */
  async ping(requester: Requester, serviceId: string, transactionId: string | undefined): Promise<number> {
    const service = this.registry.of(requester)
    if (service === undefined || service.id !== serviceId) {
      throw new MatrixError('M_FORBIDDEN', 'The as_token does not belong to this application service.')
    }
    if (service.url === undefined)
      throw new MatrixError('M_URL_NOT_SET', 'The application service has no URL.')
    const { client, clock } = this.#parts
    const begun = clock.now()
    const answer = await client.ping(service, transactionId).catch(cause => {
      throw cause instanceof OutboundError && cause.kind === 'timeout'
        ? new MatrixError('M_CONNECTION_TIMEOUT', 'The application service did not answer in time.', {
            cause,
          })
        : new MatrixError('M_CONNECTION_FAILED', 'The application service could not be reached.', { cause })
    })
    if (answer.status < 200 || answer.status > 299) {
      throw new MatrixError('M_BAD_STATUS', `The application service answered ${answer.status}.`, {
        fields: { status: answer.status, body: answer.text.slice(0, MAX_SHOWN) },
      })
    }
    const took = clock.now() - begun
    await this.#parts.context.processes.bulletin.post('app service', serviceId)
    return took
  }

  /**
   * Puts a room into the directory of one of a service's networks, or takes it out ("Published room directories").
   * @throws {MatrixError} `M_FORBIDDEN`: no service asks; `M_NOT_FOUND`: no such room here
   */
  async setListed(requester: Requester, networkId: string, roomId: string, isListed: boolean): Promise<void> {
    const service = this.registry.of(requester)
    if (service === undefined) throw new MatrixError('M_FORBIDDEN', 'Only application services can do this.')
    const { db, read } = this.#parts.context
    const room = await read.rooms.byId(roomId)
    if (room === undefined) throw new MatrixError('M_NOT_FOUND', 'This room is not known to this server.')
    const listed = this.#write.setListed(instanceId(service.id, networkId), room.nid, isListed)
    await db.commit({ statements: [listed] })
  }

  /** A service that asks for something is most likely reachable again, though not all of them ping. */
  #heardOf({ id }: AppService): void {
    const { clock, context } = this.#parts
    if (!this.#workers.has(id)) return
    const now = clock.now()
    const last = this.#heard.get(id) ?? Number.NEGATIVE_INFINITY
    // Not where the clock has been set back since: nobody knows how long ago that was.
    if (now >= last && now - last < HEARD_EVERY_MS) return
    this.#heard.set(id, now)
    void context.processes.bulletin.post('app service', id)
  }

  async #tell(): Promise<void> {
    const { clock, log } = this.#parts
    const { signal } = this.#closing
    const failed = (error: unknown): void =>
      log.error({ err: error }, 'it could not be found out how far application services were told')
    await persevere(() => this.#absences.note(new Set(this.#workers.keys())), { clock, signal, failed })
    if (!signal.aborted) for (const worker of this.#workers.values()) worker.start()
  }

  async #makeSenders(): Promise<void> {
    const { services, accounts, log } = this.#parts
    for (const { id, senderId } of services) {
      await accounts
        .ensureUser(senderId)
        .catch(error =>
          log.error({ err: error, service: id }, 'the sender of an application service could not be made'),
        )
    }
  }
}

/** For a service that talks, and takes nothing, the pauses between tries begin anew no more often than this. */
const HEARD_EVERY_MS = 30_000
/** Of a service's answer, in an error. */
const MAX_SHOWN = 2_000

export interface AppServicesParts extends OutboxParts {
  readonly services: readonly AppService[]
  readonly accounts: Pick<Accounts, 'find' | 'hasDevice' | 'ensureUser'>
  readonly client: AppServiceClient
  readonly clock: Clock
  readonly log: Log
}

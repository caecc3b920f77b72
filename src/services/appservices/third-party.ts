import type { AppService } from '../../core/app-service.ts'
import type { Clock } from '../../core/clock.ts'
import { MatrixError } from '../../core/errors.ts'
import { isJsonObject, type JsonObject, type JsonValue } from '../../core/json.ts'
import type { AppServiceClient } from '../../network/app-service-client.ts'
import type { Operations } from '../../spec/types.ts'
import type { AppServiceRegistry } from './registry.ts'

/** A protocol as clients get it. */
export type ThirdPartyProtocol = Operations['getProtocolMetadata']['response']
/** A place on another network, by its portal room. */
export type ThirdPartyLocation = Operations['queryLocationByAlias']['response'][number]
/** Somebody on another network. */
export type ThirdPartyUser = Operations['queryUserByID']['response'][number]

/** Protocols hardly ever change; services are asked again after this. */
const KEPT_MS = 60_000
/** Of all services together, in one answer. */
const MAX_RESULTS = 1_000

/** Looks up what is on other networks (module "Third-party Networks", application-service API). */
export class ThirdPartyNetworks {
  readonly #registry: AppServiceRegistry
  readonly #client: AppServiceClient
  readonly #clock: Clock
  readonly #known = new Map<
    string,
    { readonly ts: number; readonly protocol: ThirdPartyProtocol | undefined }
  >()

  constructor(parts: { registry: AppServiceRegistry; client: AppServiceClient; clock: Clock }) {
    this.#registry = parts.registry
    this.#client = parts.client
    this.#clock = parts.clock
  }

  /** All protocols that services provide and describe, by name. */
  async protocols(): Promise<Record<string, ThirdPartyProtocol>> {
    const names = [...new Set(this.#registry.all.flatMap(({ protocols }) => protocols))]
    const found = await Promise.all(names.map(name => this.#describe(name)))
    return Object.fromEntries(
      names.flatMap((name, index) => {
        const protocol = found[index]
        return protocol === undefined ? [] : [[name, protocol]]
      }),
    )
  }

  /** One protocol. @throws {MatrixError} `M_NOT_FOUND` */
  async protocol(name: string): Promise<ThirdPartyProtocol> {
    const protocol = await this.#describe(name)
    if (protocol === undefined) throw unknownProtocol(name)
    return protocol
  }

  /**
   * Portal rooms of places on a network, by the fields that the protocol names.
   * @throws {MatrixError} `M_NOT_FOUND`: no such protocol, or nothing found
   */
  locations(protocol: string, fields: Fields): Promise<ThirdPartyLocation[]> {
    return this.#gather(this.#providersOf(protocol), pathTo('location', protocol, fields), isLocation)
  }

  /** Users of a network, likewise. @throws {MatrixError} `M_NOT_FOUND` */
  users(protocol: string, fields: Fields): Promise<ThirdPartyUser[]> {
    return this.#gather(this.#providersOf(protocol), pathTo('user', protocol, fields), isUser)
  }

  /** Where the room of an alias leads on other networks. @throws {MatrixError} `M_NOT_FOUND` */
  locationsOf(alias: string): Promise<ThirdPartyLocation[]> {
    const path = `thirdparty/location?alias=${encodeURIComponent(alias)}`
    return this.#gather(this.#providers(), path, isLocation)
  }

  /** Who a user is on other networks. @throws {MatrixError} `M_NOT_FOUND` */
  usersOf(userId: string): Promise<ThirdPartyUser[]> {
    return this.#gather(this.#providers(), `thirdparty/user?userid=${encodeURIComponent(userId)}`, isUser)
  }

  #providers(): AppService[] {
    return this.#registry.all.filter(({ url, protocols }) => url !== undefined && protocols.length > 0)
  }

  #providersOf(protocol: string): AppService[] {
    return this.#registry.all.filter(
      ({ url, protocols }) => url !== undefined && protocols.includes(protocol),
    )
  }

  async #describe(name: string): Promise<ThirdPartyProtocol | undefined> {
    const known = this.#known.get(name)
    if (known !== undefined && this.#clock.now() - known.ts < KEPT_MS) return known.protocol
    const services = this.#providersOf(name)
    if (services.length === 0) return undefined
    const path = `thirdparty/protocol/${encodeURIComponent(name)}`
    const answers = await Promise.all(
      services.map(async service => {
        const answer = await this.#client.query(service, path).catch(() => undefined)
        return protocolOf(answer, service)
      }),
    )
    const protocol = merged(answers.filter(answer => answer !== undefined))
    this.#known.set(name, { ts: this.#clock.now(), protocol })
    return protocol
  }

  async #gather<T>(
    services: readonly AppService[],
    path: string,
    isResult: (value: JsonValue) => value is T & JsonObject,
  ): Promise<T[]> {
    const answers = await Promise.all(
      services.map(service => this.#client.query(service, path).catch(() => undefined)),
    )
    const found = answers.flatMap(answer => (Array.isArray(answer) ? answer.filter(isResult) : []))
    if (found.length === 0) throw new MatrixError('M_NOT_FOUND', 'Nothing was found on other networks.')
    return found.slice(0, MAX_RESULTS)
  }
}

type Fields = Readonly<Record<string, string>>

const pathTo = (kind: 'location' | 'user', protocol: string, fields: Fields): string => {
  const query = new URLSearchParams(fields).toString()
  return `thirdparty/${kind}/${encodeURIComponent(protocol)}${query === '' ? '' : `?${query}`}`
}

const isResultOf = (value: JsonValue, idName: string): value is JsonObject =>
  isJsonObject(value) &&
  typeof value[idName] === 'string' &&
  typeof value['protocol'] === 'string' &&
  isJsonObject(value['fields'])

const isLocation = (value: JsonValue): value is ThirdPartyLocation & JsonObject => isResultOf(value, 'alias')
const isUser = (value: JsonValue): value is ThirdPartyUser & JsonObject => isResultOf(value, 'userid')

/** The name that a network of a service has in the room directory: "a unique identifier across all instances". */
export const instanceId = (serviceId: string, networkId: string): string => `${serviceId}|${networkId}`

const isFieldType = (value: JsonValue | undefined): boolean =>
  isJsonObject(value) && typeof value['regexp'] === 'string' && typeof value['placeholder'] === 'string'

const isTexts = (value: JsonValue | undefined): boolean =>
  Array.isArray(value) && value.every(each => typeof each === 'string')

const isInstance = (value: JsonValue): value is ThirdPartyProtocol['instances'][number] & JsonObject =>
  isJsonObject(value) &&
  typeof value['network_id'] === 'string' &&
  typeof value['desc'] === 'string' &&
  isJsonObject(value['fields'])

/** A protocol that a service describes, with its networks named; `undefined` if the description is none. */
const protocolOf = (answer: JsonValue | undefined, service: AppService): ThirdPartyProtocol | undefined => {
  if (!isJsonObject(answer) || !isTexts(answer['user_fields']) || !isTexts(answer['location_fields']))
    return undefined
  const { field_types: types, instances, icon } = answer
  if (!isJsonObject(types) || !Object.values(types).every(isFieldType) || typeof icon !== 'string')
    return undefined
  const networks = Array.isArray(instances) ? instances.filter(isInstance) : []
  return {
    ...(answer as unknown as ThirdPartyProtocol),
    instances: networks.map(each => ({ ...each, instance_id: instanceId(service.id, each.network_id) })),
  }
}

/** Several services that provide one protocol: described by the first, with the networks of all. */
const merged = (protocols: readonly ThirdPartyProtocol[]): ThirdPartyProtocol | undefined => {
  const [first] = protocols
  return first && { ...first, instances: protocols.flatMap(({ instances }) => instances) }
}

const unknownProtocol = (name: string): MatrixError =>
  new MatrixError('M_NOT_FOUND', `No application service provides the protocol ${name}.`)

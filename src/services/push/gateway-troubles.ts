import { LRUCache } from 'lru-cache'
import type { Clock } from '../../core/clock.ts'
import type { Log } from '../../core/log.ts'
import type { PusherRow } from '../../storage/push/pushers.ts'

/** So often the operator is told of one gateway; milliseconds. */
const TELL_EVERY_MS = 10 * 60_000
const MAX_GATEWAYS = 1_000

/** Logs which push gateways do not take what is sent to them: each now and then, however many have their pushers there. */
export class GatewayTroubles {
  readonly #clock: Clock
  readonly #log: Log
  #toldOfOwnTs = Number.NEGATIVE_INFINITY
  readonly #told = new LRUCache<string, { readonly ts: number; failures: number }>({ max: MAX_GATEWAYS })

  constructor(clock: Clock, log: Log) {
    this.#clock = clock
    this.#log = log
  }

  /** What a pusher was to be sent could not be found out, or noted: no gateway is to blame. */
  unserved({ appId, userId }: Pick<PusherRow, 'appId' | 'userId'>, error: unknown): void {
    const fields = { err: error, app: appId, user: userId }
    const now = this.#clock.now()
    const isTold = now - this.#toldOfOwnTs < TELL_EVERY_MS
    if (!isTold) this.#toldOfOwnTs = now
    this.#log[isTold ? 'debug' : 'error'](fields, 'a pusher could not be served')
  }

  /** What a pusher was to be sent was not taken. */
  failed({ appId, userId, data }: Pick<PusherRow, 'appId' | 'userId' | 'data'>, error: unknown): void {
    const { url } = JSON.parse(data) as { url: string }
    const gateway = new URL(url).origin
    const fields = { err: error, gateway, app: appId, user: userId }
    const before = this.#told.get(gateway)
    const now = this.#clock.now()
    if (before !== undefined && now - before.ts < TELL_EVERY_MS) {
      before.failures += 1
      this.#log.debug(fields, 'a push gateway still does not take what is sent to it')
      return
    }
    this.#told.set(gateway, { ts: now, failures: 0 })
    const more = before === undefined || before.failures === 0 ? {} : { failures: before.failures }
    this.#log.info({ ...fields, ...more }, 'a push gateway does not take what is sent to it')
  }
}

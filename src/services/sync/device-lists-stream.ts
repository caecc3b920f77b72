import type { KeysLeft } from '../../storage/encryption/keys-left.ts'
import type { Answer } from '../answer.ts'
import type { DeviceListSpan, DeviceListSpans } from '../encryption/device-list-span.ts'
import type { KnownKeysLeft } from '../encryption/known-keys-left.ts'
import type { RoomWatch } from './room-watch.ts'
import type { EventSpan, SyncRequest } from './sync-request.ts'
import { type News, NO_NEWS, type SyncSource } from './sync-source.ts'

/** The `device_lists` stream of `/sync`, and what a device has to know of its own keys. */
export class DeviceListsStream implements SyncSource {
  readonly stream = 'device_lists'
  readonly position: () => number
  readonly #spans: DeviceListSpans
  readonly #keysLeft: KnownKeysLeft
  readonly #watch: Pick<RoomWatch, 'mayHaveMoved'>

  constructor(parts: {
    spans: DeviceListSpans
    keysLeft: KnownKeysLeft
    watch: Pick<RoomWatch, 'mayHaveMoved'>
    position: () => number
  }) {
    this.#spans = parts.spans
    this.#keysLeft = parts.keysLeft
    this.#watch = parts.watch
    this.position = parts.position
  }

  news({ requester }: SyncRequest, after: number | undefined, upTo: number, events: EventSpan): Answer<News> {
    // "Only present on an incremental sync."
    if (after === undefined || events.after === undefined) return NO_NEWS
    // Nearly always nobody came or went in the user's rooms: their members then need not be looked through.
    const from = this.#watch.mayHaveMoved(requester.userId, events.after, events.upTo)
      ? events.after
      : events.upTo
    if (after >= upTo && from >= events.upTo) return NO_NEWS
    return this.#changed(requester.userId, {
      deviceLists: { after, upTo },
      events: { after: from, upTo: events.upTo },
    })
  }

  /** Goes with every response: "required if any unclaimed one-time keys exist", and "required". */
  always({ requester }: SyncRequest): Answer<readonly string[]> {
    const left = this.#keysLeft.of(requester)
    if (left === undefined) return []
    return left instanceof Promise ? left.then(keyMembers) : keyMembers(left)
  }

  async #changed(userId: string, span: DeviceListSpan): Promise<News> {
    const { changed, left } = await this.#spans.news(userId, span)
    if (changed.length + left.length === 0) return NO_NEWS
    return { members: [`"device_lists":${JSON.stringify({ changed, left })}`] }
  }
}

const keyMembers = ({ counts, unusedFallbackTypes }: KeysLeft): readonly string[] => [
  `"device_one_time_keys_count":${JSON.stringify(counts)}`,
  `"device_unused_fallback_key_types":${JSON.stringify(unusedFallbackTypes)}`,
]

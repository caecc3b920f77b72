import { isCompliantUserId, serverNameOf } from '../../core/ids.ts'
import type { CompanionReader } from '../../storage/encryption/companions.ts'
import type { DeviceListSpans } from '../encryption/device-list-span.ts'
import type { EventSpan } from '../encryption/stays.ts'
import type { RoomSummaries } from '../sync/room-summaries.ts'
import type { RoomWatch } from '../sync/room-watch.ts'
import type { RoomConfig } from './request.ts'
import type { JoinedPlace } from './room-list.ts'
import type { SentRoom } from './sent-room.ts'

/**
 * Whose profiles a user may be told: local users with whom they share a room. What users of other servers are called their member events
 * say; of what else they have in their profiles this server hears nothing.
 */
export class People {
  readonly #parts: {
    readonly serverName: string
    readonly companions: Pick<CompanionReader, 'sharing' | 'ofHost'>
    readonly spans: Pick<DeviceListSpans, 'news'>
    readonly watch: Pick<RoomWatch, 'mayHaveMoved'>
    readonly summaries: Pick<RoomSummaries, 'heroes'>
  }

  constructor(parts: {
    serverName: string
    companions: Pick<CompanionReader, 'sharing' | 'ofHost'>
    spans: Pick<DeviceListSpans, 'news'>
    watch: Pick<RoomWatch, 'mayHaveMoved'>
    summaries: Pick<RoomSummaries, 'heroes'>
  }) {
    this.#parts = parts
  }

  /** Those of some users whom a user may be told of now, themselves among them. */
  async visible(userId: string, others: Iterable<string>): Promise<string[]> {
    const local = [...others].filter(other => this.#isLocal(other))
    const sharing = await this.#parts.companions.sharing(
      userId,
      local.filter(other => other !== userId),
    )
    return local.filter(other => other === userId || sharing.has(other))
  }

  /** Those with whom a user has shared a room before a span of the stream of events, and shares none after it. */
  async gone(userId: string, span: EventSpan): Promise<string[]> {
    const { watch, spans } = this.#parts
    if (!watch.mayHaveMoved(userId, span.after, span.upTo)) return []
    const { left } = await spans.news(userId, { deviceLists: { after: 0, upTo: 0 }, events: span })
    return left.filter(other => this.#isLocal(other))
  }

  /** By whom a room is called that has no name. */
  heroes(roomNid: number, userId: string): Promise<string[]> {
    return this.#parts.summaries.heroes(roomNid, userId)
  }

  /** Everybody whose profile goes with a room that a client has already. */
  async ofRoom(
    { roomNid }: JoinedPlace,
    { requiredState }: RoomConfig,
    sent: Pick<SentRoom, 'members'> | undefined,
    userId: string,
  ): Promise<string[]> {
    const { companions, serverName } = this.#parts
    if (requiredState.allMembers)
      return (await companions.ofHost(roomNid, serverName)).map(member => member.userId)
    return [
      ...(sent?.members.keys() ?? []),
      ...requiredState.memberKeys,
      ...(await this.heroes(roomNid, userId)),
    ]
  }

  #isLocal(userId: string): boolean {
    return isCompliantUserId(userId) && serverNameOf(userId) === this.#parts.serverName
  }
}

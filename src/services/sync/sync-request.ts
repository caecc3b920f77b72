import type { SyncFilter } from '../../core/filter.ts'
import type { SyncStream } from '../../core/stream-token.ts'
import type { Requester } from '../requester.ts'
import type { Missed } from '../rooms/ignored-users.ts'

/** One `/sync`, read. */
export interface SyncRequest {
  readonly requester: Requester
  readonly filter: SyncFilter
  readonly fullState: boolean
  /** State as of the end of the timeline under `state_after`, instead of its start under `state` (and under which name). */
  readonly stateAfter: false | 'state_after' | 'org.matrix.msc4222.state_after'
  /** Where the client's last response ended in the `events` stream; `undefined` in an initial sync. */
  readonly since: number | undefined
  /** Where the response ends in the streams, as far as these were asked: what is told of a room beside that comes to no later. */
  readonly ends?: Readonly<Partial<Record<SyncStream, number | undefined>>> | undefined
  /** Of these users the client is sent no messages and no invitations. */
  readonly ignored: ReadonlySet<string>
  /** What the client has missed of users who were ignored before, and is not sent later either. */
  readonly missed?: Missed | undefined
}

/** The stretch of the `events` stream that a response covers. */
export interface EventSpan {
  /** `undefined` in an initial sync. */
  readonly after: number | undefined
  readonly upTo: number
}

/** Tells a user's devices apart. */
export const deviceOf = ({ requester }: SyncRequest): string =>
  `${requester.userId} ${requester.deviceId ?? requester.tokenId}`

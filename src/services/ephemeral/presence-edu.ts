import { isCompliantUserId, serverNameOf } from '../../core/ids.ts'
import { isJsonObject, type JsonObject, type JsonValue } from '../../core/json.ts'
import type { PresenceName } from '../../core/presence.ts'
import type { PresenceState } from './presence-states.ts'

/** What another server says of one of its users. */
export interface FederatedPresence {
  readonly userId: string
  readonly presence: PresenceName
  readonly statusMsg: string | undefined
  /** Milliseconds. */
  readonly lastActiveAgo: number
  readonly currentlyActive: boolean
}

/** Users of one EDU; what is beyond that is left out. */
const MAX_USERS = 1_000
/** A status is shown beside a name. In code units. */
export const MAX_STATUS_LENGTH = 1_000

const NAMES: ReadonlySet<unknown> = new Set<PresenceName>(['online', 'unavailable', 'offline'])
const isPresenceName = (value: unknown): value is PresenceName => NAMES.has(value)

/** The content of an `m.presence` EDU about one user. */
export const presenceContent = (userId: string, state: PresenceState, now: number): JsonObject => ({
  push: [
    {
      user_id: userId,
      presence: state.presence,
      last_active_ago: Math.max(now - state.lastActiveTs, 0),
      currently_active: state.currentlyActive,
      ...(state.statusMsg === undefined ? {} : { status_msg: state.statusMsg }),
    },
  ],
})

/** What an `m.presence` EDU says that is well-formed and about users of `origin`. */
export const parsePresenceContent = (origin: string, content: JsonObject): FederatedPresence[] => {
  const { push } = content
  if (!Array.isArray(push)) return []
  return push.slice(0, MAX_USERS).flatMap((update: JsonValue) => {
    if (!isJsonObject(update)) return []
    const { user_id: userId, presence, status_msg: status, last_active_ago: ago } = update
    if (typeof userId !== 'string' || !isCompliantUserId(userId) || serverNameOf(userId) !== origin) return []
    if (!isPresenceName(presence)) return []
    const hasStatus = typeof status === 'string' && status !== '' && status.isWellFormed()
    return {
      userId,
      presence,
      statusMsg: hasStatus ? status.slice(0, MAX_STATUS_LENGTH).toWellFormed() : undefined,
      lastActiveAgo: typeof ago === 'number' && Number.isSafeInteger(ago) ? Math.max(ago, 0) : 0,
      currentlyActive: update['currently_active'] === true,
    }
  })
}

import { parseJson } from '../../core/canonical-json.ts'
import type { JsonObject, JsonValue } from '../../core/json.ts'
import { parseActions } from '../../core/push-rules/actions.ts'
import type { Action } from '../../core/push-rules/rule.ts'
import type { PusherRow } from '../../storage/push/pushers.ts'

/** What a gateway is told about an event. */
export interface Announced {
  readonly eventId: string
  readonly roomId: string
  readonly type: string
  readonly sender: string
  readonly stateKey: string | undefined
  readonly content: JsonObject
  readonly senderDisplayName: string | undefined
  readonly roomName: string | undefined
  readonly roomAlias: string | undefined
  readonly actions: readonly Action[]
}

/** What has not been acknowledged anywhere. */
export interface BadgeCounts {
  readonly unread: number
  readonly missedCalls: number
}

/** In the data of a pusher: "if set to true, then the pusher will not specify `counts`" (MSC4076). */
export const DISABLE_BADGE_COUNT = 'org.matrix.msc4076.disable_badge_count'

/** What gateways are told of events: all that clients ask for, all but the content, or nothing but where to find it. */
export type PushDetails = 'all' | 'no_content' | 'none'

/** Whether a client counts by itself what its badge says, and is told of no counts. */
export const countsByItself = ({ data }: Pick<PusherRow, 'data'>): boolean =>
  (parseJson(data) as JsonObject)[DISABLE_BADGE_COUNT] === true

/**
 * The `notification` of a request to a gateway that tells of an event (Push Gateway API, `/notify`).
 * @param counts `undefined` where the client counts by itself
 * @param details what the operator lets gateways know
 */
export const eventNotification = (
  pusher: PusherRow,
  event: Announced,
  counts: BadgeCounts | undefined,
  details: PushDetails = 'all',
): Record<string, JsonValue> => {
  const { tweaks, highlight } = parseActions(event.actions)
  const data = parseJson(pusher.data) as JsonObject
  // What makes no sound and is not marked may wait until the phone wakes up anyway; what is encrypted may be anything.
  const isUrgent = highlight || tweaks['sound'] !== undefined || event.type === 'm.room.encrypted'
  const common = {
    event_id: event.eventId,
    room_id: event.roomId,
    ...(counts === undefined ? {} : { counts: countsOf(counts) }),
    prio: isUrgent ? 'high' : 'low',
  }
  // "Only the event_id, room_id, counts, and devices are required to be populated."
  if (data['format'] === 'event_id_only' || details === 'none')
    return { ...common, devices: [device(pusher, data)] }
  return {
    ...common,
    type: event.type,
    sender: event.sender,
    ...(event.senderDisplayName === undefined ? {} : { sender_display_name: event.senderDisplayName }),
    ...(event.roomName === undefined ? {} : { room_name: event.roomName }),
    ...(event.roomAlias === undefined ? {} : { room_alias: event.roomAlias }),
    ...(event.type === 'm.room.member' ? { user_is_target: event.stateKey === pusher.userId } : {}),
    ...(details === 'all' ? { content: event.content } : {}),
    devices: [{ ...device(pusher, data), tweaks }],
  }
}

/** One that only brings the badge up to date. */
export const badgeNotification = (pusher: PusherRow, counts: BadgeCounts): Record<string, JsonValue> => ({
  counts: countsOf(counts),
  prio: 'low',
  devices: [device(pusher, parseJson(pusher.data) as JsonObject)],
})

/**
 * "Counts whose value is zero should be omitted." What is unread is said all the same: gateways in use take a notification without it for one
 * that leaves the badge as it is, so that a badge would never go.
 */
const countsOf = ({ unread, missedCalls }: BadgeCounts): JsonObject => ({
  unread,
  ...(missedCalls === 0 ? {} : { missed_calls: missedCalls }),
})

const device = ({ appId, pushkey, updatedTs }: PusherRow, { url: _, ...data }: JsonObject): JsonObject => ({
  app_id: appId,
  pushkey,
  // "The unix timestamp (in seconds) when the pushkey was last updated."
  pushkey_ts: Math.floor(updatedTs / 1_000),
  data,
})

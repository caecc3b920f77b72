import { formatStreamToken } from '../../core/stream-token.ts'
import type { StoredEvent } from '../../storage/rooms/events.ts'
import type { StateAt } from '../../storage/rooms/state-views.ts'
import type { EventForm, EventViewer } from '../rooms/client-events.ts'
import type { JoinedNews } from './room-news.ts'
import type { RoomTimeline } from './room-timeline.ts'
import type { SyncRequest } from './sync-request.ts'

/** Whether the user has joined the room since the client's last response. */
export const isNew = ({ since }: SyncRequest, { span }: JoinedNews): boolean =>
  span.after === undefined && since !== undefined

/** For whom, and in which form, the events of a section are rendered. */
export const presentation = (
  { requester, filter }: SyncRequest,
  { sight, forks }: RoomTimeline,
): { viewer: EventViewer; form: EventForm } => ({
  viewer: { ...requester, sight, forks },
  form: { roomId: false, federation: filter.federationFormat, fields: filter.eventFields },
})

export const statePart = (request: SyncRequest, texts: readonly string[]): string =>
  eventsPart(stateName(request), texts)

export const stateName = ({ stateAfter }: SyncRequest): string =>
  stateAfter === false ? 'state' : stateAfter

export const eventsPart = (name: string, texts: readonly string[]): string =>
  `"${name}":{"events":[${texts.join(',')}]}`

/** @param texts its events, as the user is shown them */
export const timelinePart = ({ limited, before }: RoomTimeline, texts: readonly string[]): string => {
  const token = formatStreamToken({ events: before })
  return `"timeline":{"events":[${texts.join(',')}],"limited":${limited},"prev_batch":"${token}"}`
}

/**
 * The state that goes with the timeline of a room which the user is not in any more: with their own last event, where that came
 * when they had left already, or had only been invited. "Clients MUST only update their local state with events in" `state_after`,
 * and would go on showing an invitation.
 */
export const withEnd = (
  { requester: { userId }, filter, stateAfter }: SyncRequest,
  roomId: string,
  room: { readonly entries: readonly StateAt[]; readonly timeline: RoomTimeline; readonly own: StoredEvent },
): readonly StateAt[] => {
  const { entries, timeline, own } = room
  const isTold = stateAfter === false && timeline.events.some(({ nid }) => nid === own.nid)
  const type = 'm.room.member'
  if (isTold || !filter.state.matchesRoom(roomId) || !filter.state.matchesType(type)) return entries
  const others = entries.filter(entry => entry.type !== type || entry.stateKey !== userId)
  return [...others, { type, stateKey: userId, nid: own.nid }]
}

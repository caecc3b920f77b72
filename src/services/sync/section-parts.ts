import { formatStreamToken } from '../../core/stream-token.ts'
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

export const statePart = ({ stateAfter }: SyncRequest, texts: readonly string[]): string =>
  eventsPart(stateAfter === false ? 'state' : stateAfter, texts)

export const eventsPart = (name: string, texts: readonly string[]): string =>
  `"${name}":{"events":[${texts.join(',')}]}`

/** @param texts its events, as the user is shown them */
export const timelinePart = ({ limited, before }: RoomTimeline, texts: readonly string[]): string => {
  const token = formatStreamToken({ events: before })
  return `"timeline":{"events":[${texts.join(',')}],"limited":${limited},"prev_batch":"${token}"}`
}

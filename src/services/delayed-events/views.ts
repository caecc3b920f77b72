import type { JsonObject } from '../../core/json.ts'
import type { DelayedEvent } from '../../storage/rooms/delayed-events.ts'

/** A scheduled event as clients see it: under the names of the MSC, and under those of the drafts before it. */
export const scheduledView = (delayed: DelayedEvent) => ({
  delay_id: delayed.delayId,
  room_id: delayed.roomId,
  type: delayed.type,
  ...(delayed.stateKey === undefined ? {} : { state_key: delayed.stateKey }),
  delay_ms: delayed.delayMs,
  scheduled_at: delayed.scheduledTs,
  content: delayed.content,
  ...{ delay: delayed.delayMs, running_since: delayed.scheduledTs, delayed_since_ts: delayed.scheduledTs },
})

/** A delayed event, final or not ("Getting a single delayed event"). */
export const wholeView = (delayed: DelayedEvent) => {
  const { finalisedTs } = delayed
  if (finalisedTs === undefined) return scheduledView(delayed)
  const outcome = {
    ...(delayed.error === undefined ? {} : { error: delayed.error }),
    ...(delayed.eventId === undefined ? {} : { event_id: delayed.eventId }),
    finalised_ts: finalisedTs,
  }
  return { ...scheduledView(delayed), ...outcome, finalised: outcome }
}

export type ScheduledView = ReturnType<typeof scheduledView>

/** A final event in the list of the draft that clients follow. */
export interface FinalisedView {
  readonly delayed_event: ScheduledView
  readonly outcome: 'send' | 'cancel'
  readonly reason: 'error' | 'action' | 'delay'
  readonly error?: JsonObject
  readonly event_id?: string
  readonly origin_server_ts: number
}

export const finalisedView = (delayed: DelayedEvent): FinalisedView => {
  const { eventId, error, finalisedTs = 0, scheduledTs, delayMs } = delayed
  const atItsTime = eventId !== undefined && finalisedTs >= scheduledTs + delayMs
  return {
    delayed_event: scheduledView(delayed),
    outcome: eventId === undefined ? 'cancel' : 'send',
    reason: error !== undefined ? 'error' : atItsTime ? 'delay' : 'action',
    ...(error === undefined ? {} : { error }),
    ...(eventId === undefined ? {} : { event_id: eventId }),
    origin_server_ts: finalisedTs,
  }
}

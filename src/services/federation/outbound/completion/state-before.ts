import { serverNameOf } from '../../../../core/ids.ts'
import type { AskStateBefore } from '../../../rooms/rejudge.ts'
import type { RoomHead } from '../../../rooms/room-head.ts'
import type { OutboundContext } from '../context.ts'
import type { Completion } from './course.ts'
import { placeOf, storeFullState } from './full-state.ts'
import { progressIn } from './progress.ts'

/** The states before so many events that lie on branches of their own are asked for, each of so many servers. */
const MAX_STATES_ASKED = 50
const MAX_ASKED_FOR_STATE = 3

/**
 * Asks for the state before events whose `prev_events` are not here: their own servers, and those to ask first.
 *
 * @param headOf the room's head as long as it is to be completed
 */
export const askingStateBefore = (
  context: OutboundContext,
  completion: Completion,
  options: { readonly headOf: () => Promise<RoomHead | undefined>; readonly signal: AbortSignal },
): AskStateBefore => {
  const { core, log } = context
  const { headOf, signal } = options
  let left = MAX_STATES_ASKED
  return async event => {
    const head = await headOf()
    if (head === undefined || left-- <= 0) return undefined
    const asked = new Set([serverNameOf(event.sender), ...completion.servers])
    asked.delete(core.context.serverName)
    for (const server of [...asked].slice(0, MAX_ASKED_FOR_STATE)) {
      const facts = { room: completion.roomId, server, event: event.eventId }
      const onProgress = progressIn(log, facts)
      const place = { ...placeOf(completion, head, completion.servers[0]), eventId: event.eventId }
      const given = await storeFullState(context, server, place, { signal, onProgress }).catch(error => {
        if (!signal.aborted) log.info({ ...facts, err: error }, 'the state before an event is not given')
      })
      if (given !== undefined) return given.stateIds
    }
    return undefined
  }
}

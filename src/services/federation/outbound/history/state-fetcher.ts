import type { RoomEvent } from '../../../../core/event/event.ts'
import type { JsonObject } from '../../../../core/json.ts'
import { storeOutliers } from '../../../rooms/outliers.ts'
import { mostOfState } from '../../../rooms/plausible-state.ts'
import { Slots } from '../../slots.ts'
import type { OutboundContext } from '../context.ts'

/** Where more is missing than this, the whole state is fetched in one request. */
const MAX_SINGLE_FETCHES = 60
const AT_ONCE = 8

/**
 * Makes sure that the state before an event is stored, fetching what is missing of it, of what authorises it, and of
 * `alsoNeeded`. Answers the event IDs of that state, but for those that are no good. Throws `FederationError`, also where
 * the peer does not give all of it: a state with holes would part this server from all others.
 *
 * @param options.signal ends it: nothing is stored then
 * @param options.vouchedBy a server that is believed what it says of keys that nobody else tells
 */
export const fetchStateBefore = async (
  context: OutboundContext,
  server: string,
  { roomId, eventId, version }: RoomEvent,
  options: {
    alsoNeeded: readonly string[]
    timeoutMs: number
    signal?: AbortSignal
    vouchedBy?: string | undefined
  },
): Promise<string[]> => {
  const { federation, core, verifyEvents } = context
  const { read } = core.context
  const { timeoutMs, vouchedBy, signal } = options
  const atMost = mostOfState(await core.writer.head(roomId), core.context.serverName)
  const ask = { roomId, eventId, atMost }
  const { stateIds, authChainIds } = await federation.getStateIds(server, ask, { timeoutMs, signal })
  const wanted = [...new Set([...stateIds, ...authChainIds, ...options.alsoNeeded])]
  const known = await read.events.nidsOf(wanted)
  const missing = wanted.filter(id => !known.has(id))
  const slots = new Slots(AT_ONCE)
  const one = (id: string): Promise<JsonObject | undefined> =>
    slots.run(() => federation.getEvent(server, id, { timeoutMs, signal })).catch(() => undefined)
  const singles = missing.length > MAX_SINGLE_FETCHES ? [undefined] : await Promise.all(missing.map(one))
  let pdus = singles.filter(pdu => pdu !== undefined)
  if (pdus.length < singles.length) {
    const { state, authChain } = await federation.getState(server, ask, { timeoutMs, signal })
    pdus = [...pdus, ...state, ...authChain]
  }
  const asked = new Set(missing)
  const events = (await verifyEvents(pdus, version, { mayBeOld: true, vouchedBy })).flatMap(verified =>
    'event' in verified && asked.has(verified.event.eventId) ? verified.event : [],
  )
  signal?.throwIfAborted()
  if (events.length > 0) await storeOutliers(core.writer, roomId, events)
  const stored = await read.events.nidsOf(stateIds)
  return [...stored.keys()]
}

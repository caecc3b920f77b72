import type { RoomEvent, Verdict } from '../../event/event.ts'
import { serverNameOf } from '../../ids.ts'
import { refuse } from '../refusal.ts'

/** "If type is `m.room.aliases`" (rule 4 of v1 to v5): a server sets its own aliases, whoever sends the event. */
export const aliasesRule = (event: RoomEvent): Verdict => {
  // "If event has no state_key, reject."
  if (event.stateKey === undefined) return refuse('aliases.state_key', 'Aliases are state, by server name.')
  // "If sender's domain doesn't match state_key, reject."
  if (serverNameOf(event.sender) !== event.stateKey) {
    return refuse('aliases.domain', `The aliases of ${event.stateKey} are set by its own users alone.`)
  }
  return undefined
}

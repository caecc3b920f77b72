import type { PresenceName } from '../../core/presence.ts'
import type { PresenceState } from './presence-states.ts'

/** Presence as clients see it. */
export type ShownPresence = {
  readonly presence: PresenceName
  /** Milliseconds. */
  readonly last_active_ago?: number
  readonly currently_active?: boolean
  readonly status_msg?: string
}

/** What clients see of a state at an instant (ms). */
export const shownPresence = (state: PresenceState, now: number): ShownPresence => {
  const { presence, currentlyActive, statusMsg, lastActiveTs } = state
  return {
    presence,
    ...(lastActiveTs === 0 ? {} : { last_active_ago: Math.max(now - lastActiveTs, 0) }),
    ...(presence === 'online' ? { currently_active: currentlyActive } : {}),
    ...(statusMsg === undefined ? {} : { status_msg: statusMsg }),
  }
}

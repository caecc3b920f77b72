import type { StateMap } from '../event/event.ts'
import type { RoomVersion } from '../room-versions.ts'
import type { LoadEvent } from './auth-graph.ts'
import type { Resolution, ResolveOptions } from './resolution.ts'
import { resolveV1 } from './resolve-v1.ts'
import { resolveV2 } from './resolve-v2.ts'

export type { LoadEvent } from './auth-graph.ts'
export type { Resolution, ResolveOptions } from './resolution.ts'

/**
 * Resolves the states after several events into the one state before their common successor (server-server API, "Room
 * State Resolution"; rooms/v1.md, v2.md, v12.md). Deterministic: neither the order of the states nor that of their
 * entries matters. Memory is bounded by the states, what is conflicted, and the auth chains walked; nothing recurses.
 *
 * @param load answers each event of the states and of their auth chains; what it does not know is passed over
 */
export const resolveState = (
  version: RoomVersion,
  stateSets: readonly StateMap[],
  load: LoadEvent,
  options: ResolveOptions = {},
): Resolution => {
  switch (version.stateResolution) {
    case 'v1':
      return resolveV1(stateSets, load)
    case 'v2':
    case 'v2.1':
      return resolveV2(version.stateResolution, stateSets, load, options)
  }
}

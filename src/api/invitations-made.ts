import type { JsonObject } from '../core/json.ts'

/** How many invitations an event is that a client sends itself: they count as those that other endpoints make. */
export const invitationsBy = (type: string, stateKey: string | undefined, content: JsonObject): number =>
  type === 'm.room.member' && stateKey !== undefined && content['membership'] === 'invite' ? 1 : 0

import { buildEvent } from '../core/event/builder.ts'
import type { RoomEvent } from '../core/event/event.ts'
import { signingKeyFromSeed } from '../core/signing.ts'
import type { PeerRoom } from './peer-room.ts'

/**
 * People who came into a room and left it, in which somebody has said a depth that cannot be exceeded: all events are as deep. The joins
 * authorise the leaves, each that of the same place.
 */
export const deepestMembers = (
  peers: PeerRoom,
  count: number,
): { readonly joins: RoomEvent[]; readonly leaves: RoomEvent[] } => {
  const key = signingKeyFromSeed('ed25519:users', new Uint8Array(32).fill(7))
  const [create = '', power = '', rule = ''] = peers
    .events('CREATE', 'PL', 'JR')
    .map(({ eventId }) => eventId)
  const member = (number: number, membership: string, authEvents: string[]): RoomEvent => {
    const userId = `@user${number}:users.test`
    return buildEvent(
      {
        ...{ version: peers.version, roomId: peers.roomId, originServerTs: 1_767_225_600_000 },
        ...{ type: 'm.room.member', sender: userId, stateKey: userId, content: { membership } },
        ...{ prevEvents: [peers.event('IF').eventId], authEvents, depth: Number.MAX_SAFE_INTEGER },
      },
      'users.test',
      key,
    )
  }
  const joins = Array.from({ length: count }, (_, number) => member(number, 'join', [create, power, rule]))
  const leaves = joins.map(({ eventId }, number) => member(number, 'leave', [create, power, eventId]))
  return { joins, leaves }
}

import { isJsonObject, type JsonObject, type JsonValue } from '../../../core/json.ts'
import { roomVersion } from '../../../core/room-versions.ts'
import type { Reader, WriteStatement } from '../../../storage/database.ts'
import { InvitationReader, InvitationWriter } from '../../../storage/rooms/invitations.ts'
import { Places } from '../../../storage/synapse/rooms/places.ts'
import { type SourceEvent, SynapseRooms } from '../../../storage/synapse/rooms/room-reader.ts'
import type { ImportStep } from '../step.ts'
import { tableStep } from '../table-step.ts'
import { type ReadEvent, readSourceEvent } from './source-event.ts'

interface MembershipRow {
  readonly user_id: string
  readonly room_id: string
  readonly event_id: string
  readonly membership: 'invite' | 'knock'
  readonly version: string | null
}

/**
 * Invitations and knocks of this server's own users that wait, to rooms that the server is not in: those to others are part of these
 * rooms.
 */
export const invitationsStep: ImportStep = tableStep<MembershipRow>({
  name: 'invitations',
  table: 'local_current_membership',
  query: () => ({
    from: 'local_current_membership m LEFT JOIN rooms r ON r.room_id = m.room_id',
    columns: [
      ...['m.user_id AS user_id', 'm.room_id AS room_id', 'm.event_id AS event_id'],
      ...['m.membership AS membership', 'r.room_version AS version'],
    ],
    key: [
      { column: 'm.user_id', name: 'user_id' },
      { column: 'm.room_id', name: 'room_id' },
    ],
    where: "m.membership IN ('invite', 'knock')",
  }),
  begin: ({ db, source }, progress) => {
    const rooms = new SynapseRooms(source)
    const standing = new StandingInvitations(db)
    const writer = new InvitationWriter(db)
    return async rows => {
      const events = new Map(
        (await rooms.events(rows.map(row => row.event_id))).map(one => [one.eventId, one]),
      )
      const made: WriteStatement[] = []
      for (const row of rows) {
        if (await standing.has(row)) {
          progress.came('invitations and knocks')
          continue
        }
        const invitation = invitationOf(row, events.get(row.event_id))
        if (invitation === undefined) {
          progress.left('Invitations that cannot be read')
          continue
        }
        progress.came('invitations and knocks')
        made.push(writer.put(invitation, { stream: 'invites', offset: made.length }))
      }
      return made
    }
  },
})

/** Those that came over with the rooms that they are to. */
class StandingInvitations {
  readonly #places: Places
  readonly #invitations: InvitationReader

  constructor(db: Reader) {
    this.#places = new Places(db)
    this.#invitations = new InvitationReader(db)
  }

  async has({ user_id: userId, room_id: roomId, membership }: MembershipRow): Promise<boolean> {
    const roomNid = (await this.#places.rooms([roomId])).get(roomId)
    if (roomNid === undefined || (await this.#places.membership(userId, roomNid)) !== membership) return false
    return (await this.#invitations.one(userId, roomId))?.status === 'invited'
  }
}

const invitationOf = (
  row: MembershipRow,
  event: SourceEvent | undefined,
): Parameters<InvitationWriter['put']>[0] | undefined => {
  const { user_id: userId, room_id: roomId, membership: kind } = row
  const version = roomVersion(row.version ?? '1')
  const read = version && event && readSourceEvent(event, roomId, version)
  if (version === undefined || read === undefined || typeof read === 'string') return undefined
  return {
    ...{ userId, roomId, kind, sender: read.event.sender, updatedTs: read.receivedTs },
    ...{ event: read.event.pdu, eventId: read.event.eventId, roomVersion: version.id },
    strippedState: strippedState(read),
  }
}

/** What the invited user is shown of the room, with their own member event, as servers add it. */
const strippedState = ({ unsigned, event }: ReadEvent): JsonObject[] => {
  const given: JsonValue | undefined = unsigned['invite_room_state'] ?? unsigned['knock_room_state']
  const state = Array.isArray(given) ? given.filter(isStripped).map(strip) : []
  const { type, stateKey = '', sender, content } = event
  const isOwn = (one: JsonObject): boolean => one['type'] === type && one['state_key'] === stateKey
  return state.some(isOwn) ? state : [...state, { type, state_key: stateKey, sender, content }]
}

const isStripped = (value: JsonValue): value is JsonObject =>
  isJsonObject(value) &&
  ['type', 'state_key', 'sender'].every(name => typeof value[name] === 'string') &&
  isJsonObject(value['content'])

/** Other servers send whole events, of which clients are shown as much. */
const strip = ({ type = '', state_key = '', sender = '', content = {} }: JsonObject): JsonObject => ({
  ...{ type, state_key, sender, content },
})

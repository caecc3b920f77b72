import {
  impliedLevels,
  levelTable,
  levelToSend,
  type PowerLevelState,
  powerLevelOf,
} from '../../core/auth/power-levels.ts'
import { MatrixError } from '../../core/errors.ts'
import { isUserId, serverNameOf } from '../../core/ids.ts'
import { isJsonObject } from '../../core/json.ts'
import type { RoomCore, RoomServices } from '../rooms/index.ts'
import { powerContext } from '../rooms/redaction-effect.ts'
import type { RoomHead } from '../rooms/room-head.ts'
import { contentOfHead } from '../rooms/room-summary.ts'

/** What a new administrator of a room gets of a creator, whose own power is without measure. */
const CREATORS_GIFT = 100

/** Lets users into rooms, and into power, by way of those of this server who may do that. */
export class RoomAuthority {
  readonly #core: RoomCore
  readonly #memberships: RoomServices['memberships']

  constructor(core: RoomCore, { memberships }: Pick<RoomServices, 'memberships'>) {
    this.#core = core
    this.#memberships = memberships
  }

  /**
   * Joins a user of this server to a room; where it is not open to everybody, the administrator invites them first, which takes
   * that they are in it themselves and may invite.
   *
   * @param via servers that may know the room, if this one does not.
   * @throws {MatrixError} `M_FORBIDDEN`, and as `Memberships.join` and `invite`
   */
  async join(by: string, userId: string, roomId: string, via: readonly string[]): Promise<void> {
    const head = await this.#core.writer.head(roomId)
    if (head !== undefined && head.memberships.get(userId) !== 'join') {
      const isOpen = await this.#isPublic(head)
      const isInvited = head.memberships.get(userId) === 'invite'
      if (!isOpen && !isInvited) await this.#memberships.invite({ sender: by, userId, roomId })
    }
    await this.#memberships.join({ userId, roomId, via })
  }

  /**
   * Gives a user the power that the most powerful user of this server has in a room, in the name of that user; who is not in a room that is not
   * open to everybody is invited.
   *
   * @throws {MatrixError} `M_NOT_FOUND`: no such room; `M_INVALID_PARAM`; `M_UNKNOWN` (400): nobody of this server may do it.
   */
  async promote(userId: string, roomId: string): Promise<void> {
    if (!isUserId(userId)) throw new MatrixError('M_INVALID_PARAM', `${userId} is not a user ID`)
    const head = await this.#core.writer.head(roomId)
    if (head === undefined) throw new MatrixError('M_NOT_FOUND', 'The room was not found')
    const sender = await this.#grant(head, userId)
    const membership = head.memberships.get(userId)
    if (membership === 'join' || membership === 'invite' || (await this.#isPublic(head))) return
    await this.#memberships.invite({ sender, userId, roomId })
  }

  /** Answers in whose name. */
  async #grant(head: RoomHead, userId: string): Promise<string> {
    const { sender, powers } = await mostPowerful(this.#core.context, head)
    const powerOf = (member: string): number => powerLevelOf(member, powers)
    if (sender === undefined || powerOf(sender) < levelToSend('m.room.power_levels', true, powers))
      throw new MatrixError('M_UNKNOWN', 'Nobody of this server in the room may give power', { status: 400 })
    const content = powers.powerLevels?.content ?? impliedLevels(powers)
    const power = Number.isFinite(powerOf(sender)) ? powerOf(sender) : CREATORS_GIFT
    // Creators have more than any number says, and may not stand among those that have one (room version 12).
    if (powerOf(userId) >= power) return sender
    await this.#core.sender.send(head.room.roomId, {
      ...{ type: 'm.room.power_levels', stateKey: '', sender },
      content: { ...content, users: { ...levelTable(content, 'users'), [userId]: power } },
    })
    return sender
  }

  async #isPublic(head: RoomHead): Promise<boolean> {
    const rules = (await contentOfHead(this.#core.context, head))('m.room.join_rules')
    return isJsonObject(rules) && rules['join_rule'] === 'public'
  }
}

/** Who of this server that is in a room has the most power there, and where that follows from. */
export const mostPowerful = async (
  { read, serverName }: Pick<RoomCore['context'], 'read' | 'serverName'>,
  head: RoomHead,
): Promise<{ readonly sender: string | undefined; readonly powers: PowerLevelState }> => {
  const powers = { ...(await powerContext(read, head)), version: head.version }
  const powerOf = (member: string): number => powerLevelOf(member, powers)
  const [sender] = [...head.memberships]
    .filter(([member, membership]) => membership === 'join' && serverNameOf(member) === serverName)
    .map(([member]) => member)
    .toSorted((a, b) => compare(powerOf(b), powerOf(a)))
  return { sender, powers }
}

/** Infinity less infinity is no number. */
const compare = (a: number, b: number): number => (a === b ? 0 : a < b ? -1 : 1)

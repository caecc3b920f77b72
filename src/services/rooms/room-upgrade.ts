import {
  impliedLevels,
  levelToSend,
  type PowerLevelState,
  powerLevelOf,
  roomCreators,
} from '../../core/auth/power-levels.ts'
import { MatrixError } from '../../core/errors.ts'
import type { JsonObject } from '../../core/json.ts'
import type { Log } from '../../core/log.ts'
import type { RoomVersion } from '../../core/room-versions.ts'
import type { WriteStatement } from '../../storage/database.ts'
import type { AliasRow } from '../../storage/rooms/aliases.ts'
import { SerialQueue } from '../serial-queue.ts'
import type { EventTemplate } from './local-event.ts'
import type { MemberProfile } from './ports.ts'
import { powerContext } from './redaction-effect.ts'
import { madeLately, unlessReplaced } from './repeated-upgrade.ts'
import { ReplacedRoom } from './replaced-room.ts'
import type { RoomCreator } from './room-creator.ts'
import type { RoomHead } from './room-head.ts'
import type { RoomSender } from './room-sender.ts'
import type { RoomWriter } from './room-writer.ts'
import type { Successors } from './successors.ts'
import { UnfinishedReplacements } from './unfinished-replacements.ts'
import { CHILD, closedPower, creationContent, transferredPower, transferredState } from './upgrade-content.ts'

/** What a room is to be replaced by. */
export interface Upgrade {
  readonly version: RoomVersion
  /** Further people with all power, where the version knows that. */
  readonly additionalCreators: readonly string[]
}

/** Children of a space that its replacement begins with; others follow, like bans, so that nobody waits for one commit of them all. */
const FIRST_CHILDREN = 500
/** Children and bans carried over in one commit. */
const CARRIED_AT_ONCE = 50

/** Replaces rooms by rooms of another version (module "Room Upgrades"). */
export class RoomUpgrades {
  readonly #writer: RoomWriter
  readonly #sender: RoomSender
  readonly #creator: RoomCreator
  readonly #profile: MemberProfile
  readonly #successors: Successors
  readonly #unfinished: UnfinishedReplacements
  readonly #queue = new SerialQueue()

  constructor(parts: {
    writer: RoomWriter
    sender: RoomSender
    creator: RoomCreator
    profile: MemberProfile
    successors: Successors
    log: Log
  }) {
    this.#writer = parts.writer
    this.#sender = parts.sender
    this.#creator = parts.creator
    this.#profile = parts.profile
    this.#successors = parts.successors
    const { writer, sender, log } = parts
    this.#unfinished = new UnfinishedReplacements({ context: writer.context, sender, log })
  }

  /**
   * Makes the replacement, points the old room at it and moves what belongs to the room: aliases, its place in the
   * directory, bans, and the maker's own settings (other people's follow when they join). Several at once take turns.
   *
   * @returns the replacement's room ID. Throws `M_FORBIDDEN`, `M_NOT_FOUND`, `M_INVALID_PARAM` (creators).
   */
  upgrade(userId: string, roomId: string, upgrade: Upgrade): Promise<string> {
    return this.#queue.run(roomId, () => this.#upgrade(userId, roomId, upgrade))
  }

  async #upgrade(userId: string, roomId: string, upgrade: Upgrade): Promise<string> {
    const known = await this.#writer.head(roomId)
    if (known === undefined) throw new MatrixError('M_NOT_FOUND', 'This room is not known to this server')
    // Bans are carried over: all of them have to be known.
    await this.#writer.context.partial.require(known.room.nid)
    const head = (await this.#writer.head(roomId)) ?? known
    const made = await madeLately(this.#writer, head, upgrade)
    // It may have stopped before what belongs to them was carried over.
    if (made?.by === userId) return this.#carry(userId, roomId, made.roomId)
    await this.#checkPower(userId, head)
    if (made !== undefined) return made.roomId
    const old = new ReplacedRoom(this.#writer.context.read, head)
    const aliases = await this.#writer.context.read.aliases.ofRoom(roomId)
    const { replacement, power, others } = await this.#begin(userId, old, { ...upgrade, aliases })
    try {
      const creators = upgrade.version.auth.privilegedCreators ? upgrade.additionalCreators : []
      const bans = (await old.bans(userId)).filter(({ stateKey = '' }) => !creators.includes(stateKey))
      await this.#fill(replacement, [...others, ...bans, ...power])
      // From here on the replacement is complete: only now is anybody sent there.
      if (await this.#send(userId, old, aliases, replacement))
        return await this.#carry(userId, roomId, replacement)
    } catch (error) {
      await this.#unfinished.abandon(userId, replacement)
      throw this.#unfinished.reasonOf(error)
    }
    await this.#unfinished.abandon(userId, replacement)
    return this.#upgrade(userId, roomId, upgrade)
  }

  async #carry(userId: string, from: string, to: string): Promise<string> {
    await this.#successors.carry(userId, { from, to })
    return to
  }

  /** Answers `false` where the room was replaced meanwhile. */
  async #send(
    userId: string,
    old: ReplacedRoom,
    aliases: readonly AliasRow[],
    replacement: string,
  ): Promise<boolean> {
    const { read, write } = this.#writer.context
    const { nid } = old.head.room
    const room = await read.rooms.byId(replacement)
    const isPublished = (await read.summaries.ofRoom(nid))?.isPublished ?? false
    const published = (roomNid: number, isPublic: boolean): WriteStatement[] => [
      write.rooms.publish(roomNid, isPublic),
      write.summaries.publish(roomNid, isPublic),
    ]
    return unlessReplaced(this.#sender, old.head, await this.#farewells(userId, old, aliases, replacement), {
      always: true,
      statements: [
        this.#unfinished.finished(replacement),
        ...published(nid, false),
        ...(isPublished && room !== undefined ? published(room.nid, true) : []),
        ...(aliases.length === 0 ? [] : [write.aliases.move(aliases, replacement)]),
      ],
    })
  }

  async #checkPower(userId: string, head: RoomHead): Promise<void> {
    if (head.memberships.get(userId) !== 'join')
      throw new MatrixError('M_FORBIDDEN', 'You are not in this room')
    if (await this.#may(userId, head, 'm.room.tombstone')) return
    throw new MatrixError('M_FORBIDDEN', 'You may not replace this room')
  }

  async #may(userId: string, head: RoomHead, type: string): Promise<boolean> {
    const powers = await this.#powers(head)
    return powerLevelOf(userId, powers) >= levelToSend(type, true, powers)
  }

  async #powers(head: RoomHead): Promise<PowerLevelState> {
    return { ...(await powerContext(this.#writer.context.read, head)), version: head.version }
  }

  /** Makes the replacement; answers what it is to be filled with, and the power levels that it has in the end. */
  async #begin(
    userId: string,
    old: ReplacedRoom,
    options: Upgrade & { readonly aliases: readonly AliasRow[] },
  ): Promise<{ replacement: string; others: EventTemplate[]; power: EventTemplate[] }> {
    const { head } = old
    const { version, additionalCreators } = options
    const { create, powerLevels } = await powerContext(this.#writer.context.read, head)
    const privileged = version.auth.privilegedCreators
    const creators = [userId, ...additionalCreators]
    const isUnlisted = head.version.auth.privilegedCreators || powerLevels === undefined
    const former = isUnlisted ? roomCreators(create, head.version) : []
    const levels = (await old.openPower(powerLevels, impliedLevels({ create, version: head.version }))) ?? {}
    const power = transferredPower(levels, { version, maker: userId, creators, former })
    const state = transferredState(await old.transferable(), version)
    const children = state.filter(({ type }) => type === CHILD)
    const first = [...state.filter(({ type }) => type !== CHILD), ...children.slice(0, FIRST_CHILDREN)]
    const replacement = await this.#creator.create(
      {
        creator: userId,
        version,
        isPublic: false,
        invite: [],
        creationContent: {
          ...creationContent(head, create?.content ?? {}, userId),
          ...(privileged && additionalCreators.length > 0
            ? { additional_creators: [...additionalCreators] }
            : {}),
        },
        initialState: [...first, ...(await old.aliasState(options.aliases))],
        powerLevelOverride: power.first,
      },
      { ...(await this.#profile(userId)), membership: 'join' },
      roomId => [this.#unfinished.begun(roomId)],
    )
    const others = children.slice(FIRST_CHILDREN).map(child => ({ ...child, sender: userId }))
    const last = { type: 'm.room.power_levels', sender: userId, stateKey: '' }
    return {
      replacement,
      others,
      power: power.final === undefined ? [] : [{ ...last, content: power.final }],
    }
  }

  /** What the old room says last: where everybody goes, that its names have moved, and that nobody should talk here. */
  async #farewells(
    sender: string,
    old: ReplacedRoom,
    aliases: readonly AliasRow[],
    replacement: string,
  ): Promise<EventTemplate[]> {
    const { head } = old
    const state = (type: string, content: JsonObject): EventTemplate => ({
      type,
      sender,
      stateKey: '',
      content,
    })
    const farewells = [
      state('m.room.tombstone', { body: 'This room has been replaced', replacement_room: replacement }),
    ]
    const named = await old.current('m.room.canonical_alias')
    if (
      aliases.length > 0 &&
      named !== undefined &&
      (await this.#may(sender, head, 'm.room.canonical_alias'))
    ) {
      farewells.push(state('m.room.canonical_alias', {}))
    }
    const powers = await this.#powers(head)
    const levels = (await old.current('m.room.power_levels')) ?? impliedLevels(powers)
    const closed = closedPower(levels, head.version, powerLevelOf(sender, powers))
    if (closed !== undefined && (await this.#may(sender, head, 'm.room.power_levels'))) {
      farewells.push(state('m.room.power_levels', closed))
    }
    return farewells
  }

  async #fill(replacement: string, templates: readonly EventTemplate[]): Promise<void> {
    for (let start = 0; start < templates.length; start += CARRIED_AT_ONCE) {
      const some = templates.slice(start, start + CARRIED_AT_ONCE)
      const statements = [this.#unfinished.goesOn(replacement)]
      await this.#sender.sendAll(replacement, some, { always: true, statements })
    }
  }
}

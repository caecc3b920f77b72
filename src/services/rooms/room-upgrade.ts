import {
  levelToSend,
  type PowerLevelState,
  powerLevelOf,
  roomCreators,
} from '../../core/auth/power-levels.ts'
import { MatrixError } from '../../core/errors.ts'
import type { JsonObject } from '../../core/json.ts'
import type { RoomVersion } from '../../core/room-versions.ts'
import type { AliasRow } from '../../storage/rooms/aliases.ts'
import { SerialQueue } from '../serial-queue.ts'
import type { EventTemplate } from './local-event.ts'
import type { MemberProfile } from './ports.ts'
import { powerContext } from './redaction-effect.ts'
import { abandon, madeLately, unlessReplaced } from './repeated-upgrade.ts'
import type { RoomCreator } from './room-creator.ts'
import type { RoomHead } from './room-head.ts'
import type { RoomSender } from './room-sender.ts'
import { contentShown } from './room-summary.ts'
import type { InitialState } from './room-templates.ts'
import type { RoomWriter } from './room-writer.ts'
import type { Successors } from './successors.ts'
import {
  banOf,
  closedPower,
  creationContent,
  TRANSFERRED_TYPES,
  transferredPower,
  transferredState,
} from './upgrade-content.ts'

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
  readonly #queue = new SerialQueue()

  constructor(parts: {
    writer: RoomWriter
    sender: RoomSender
    creator: RoomCreator
    profile: MemberProfile
    successors: Successors
  }) {
    this.#writer = parts.writer
    this.#sender = parts.sender
    this.#creator = parts.creator
    this.#profile = parts.profile
    this.#successors = parts.successors
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
    const made = await madeLately(this.#writer, userId, head, upgrade)
    if (made !== undefined) return made
    await this.#checkPower(userId, head)
    const { read, write } = this.#writer.context
    const aliases = await read.aliases.ofRoom(roomId)
    const isPublished = (await read.summaries.ofRoom(head.room.nid))?.isPublished ?? false
    const replacement = await this.#create(userId, head, { ...upgrade, aliases, isPublished })
    // From here on the replacement is complete: only now is anybody sent there.
    const farewells = await this.#farewells(userId, head, aliases, replacement)
    const isSent = await unlessReplaced(this.#sender, head, farewells, {
      always: true,
      statements: [
        write.rooms.publish(head.room.nid, false),
        write.summaries.publish(head.room.nid, false),
        ...(aliases.length === 0 ? [] : [write.aliases.move(aliases, replacement)]),
      ],
    })
    if (!isSent) {
      await abandon(this.#writer, this.#sender, userId, replacement)
      return this.#upgrade(userId, roomId, upgrade)
    }
    await this.#successors.carry(userId, { from: roomId, to: replacement })
    return replacement
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

  async #create(
    userId: string,
    head: RoomHead,
    options: Upgrade & { readonly aliases: readonly AliasRow[]; readonly isPublished: boolean },
  ): Promise<string> {
    const { version, additionalCreators } = options
    const { create, powerLevels } = await powerContext(this.#writer.context.read, head)
    const privileged = version.auth.privilegedCreators
    const creators = [userId, ...additionalCreators]
    const isUnlisted = head.version.auth.privilegedCreators || powerLevels === undefined
    const former = isUnlisted ? roomCreators(create, head.version) : []
    const power = transferredPower(powerLevels?.content ?? {}, { version, maker: userId, creators, former })
    const state = transferredState(await this.#transferable(head), version)
    const children = state.filter(({ type }) => type === CHILD)
    const first = [...state.filter(({ type }) => type !== CHILD), ...children.slice(0, FIRST_CHILDREN)]
    const alias = await this.#aliasState(head, options.aliases)
    const profile = await this.#profile(userId)
    const roomId = await this.#creator.create(
      {
        creator: userId,
        version,
        isPublic: options.isPublished,
        invite: [],
        creationContent: {
          ...creationContent(head, create?.content ?? {}),
          ...(privileged && additionalCreators.length > 0
            ? { additional_creators: [...additionalCreators] }
            : {}),
        },
        initialState: [...first, ...alias],
        powerLevelOverride: power.first,
      },
      { ...profile, membership: 'join' },
    )
    const others = children.slice(FIRST_CHILDREN).map(child => ({ ...child, sender: userId }))
    await this.#carry(roomId, [...others, ...(await this.#bans(userId, head))])
    if (power.final !== undefined) {
      const content = power.final
      await this.#sender.send(roomId, { type: 'm.room.power_levels', sender: userId, stateKey: '', content })
    }
    return roomId
  }

  /** The old room's state that the replacement takes over. */
  async #transferable(head: RoomHead): Promise<InitialState[]> {
    const { read } = this.#writer.context
    const entries = TRANSFERRED_TYPES.flatMap(type => head.entry(type, '') ?? [])
    const children = [...head.state.values()].filter(entry => entry.type === CHILD)
    const events = await read.events.byNids([...entries, ...children].map(entry => entry.nid))
    return events.flatMap(stored => {
      const content = contentShown(stored)
      const { type, stateKey = '' } = stored.event
      return Object.keys(content).length === 0 ? [] : [{ type, stateKey, content }]
    })
  }

  /** Of the old room's names those which move with it. */
  async #aliasState(head: RoomHead, aliases: readonly AliasRow[]): Promise<InitialState[]> {
    const names = new Set(aliases.map(row => row.alias))
    const { alias, alt_aliases: others } = (await this.#current(head, 'm.room.canonical_alias')) ?? {}
    const content: JsonObject = {
      ...(typeof alias === 'string' && names.has(alias) ? { alias } : {}),
      ...(Array.isArray(others) && others.some(name => names.has(String(name)))
        ? { alt_aliases: others.filter(name => names.has(String(name))) }
        : {}),
    }
    if (Object.keys(content).length === 0) return []
    return [{ type: 'm.room.canonical_alias', stateKey: '', content }]
  }

  async #current(head: RoomHead, type: string): Promise<JsonObject | undefined> {
    const entry = head.entry(type, '')
    const [stored] = entry === undefined ? [] : await this.#writer.context.read.events.byNids([entry.nid])
    return stored && contentShown(stored)
  }

  /** What the old room says last: where everybody goes, that its names have moved, and that nobody should talk here. */
  async #farewells(
    sender: string,
    head: RoomHead,
    aliases: readonly AliasRow[],
    replacement: string,
  ): Promise<EventTemplate[]> {
    const state = (type: string, content: JsonObject): EventTemplate => ({
      type,
      sender,
      stateKey: '',
      content,
    })
    const farewells = [
      state('m.room.tombstone', { body: 'This room has been replaced', replacement_room: replacement }),
    ]
    const named = await this.#current(head, 'm.room.canonical_alias')
    if (
      aliases.length > 0 &&
      named !== undefined &&
      (await this.#may(sender, head, 'm.room.canonical_alias'))
    ) {
      farewells.push(state('m.room.canonical_alias', {}))
    }
    const levels = (await this.#current(head, 'm.room.power_levels')) ?? {}
    const closed = closedPower(levels, head.version, powerLevelOf(sender, await this.#powers(head)))
    if (closed !== undefined && (await this.#may(sender, head, 'm.room.power_levels'))) {
      farewells.push(state('m.room.power_levels', closed))
    }
    return farewells
  }

  async #bans(sender: string, head: RoomHead): Promise<EventTemplate[]> {
    const nids = [...head.memberships].flatMap(([user, membership]) =>
      membership === 'ban' ? (head.entry('m.room.member', user)?.nid ?? []) : [],
    )
    return (await this.#writer.context.read.events.byNids(nids)).map(stored => banOf(stored, sender))
  }

  async #carry(replacement: string, templates: readonly EventTemplate[]): Promise<void> {
    for (let start = 0; start < templates.length; start += CARRIED_AT_ONCE) {
      const some = templates.slice(start, start + CARRIED_AT_ONCE)
      await this.#sender.sendAll(replacement, some, { always: true })
    }
  }
}

const CHILD = 'm.space.child'

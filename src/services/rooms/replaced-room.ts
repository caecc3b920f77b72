import { isDeepStrictEqual } from 'node:util'
import { CREATOR_POWER_LEVEL } from '../../core/auth/power-levels.ts'
import type { RoomEvent } from '../../core/event/event.ts'
import type { JsonObject } from '../../core/json.ts'
import type { AliasRow } from '../../storage/rooms/aliases.ts'
import type { RoomReaders } from '../../storage/rooms/index.ts'
import type { EventTemplate } from './local-event.ts'
import type { RoomHead } from './room-head.ts'
import { contentShown } from './room-summary.ts'
import type { InitialState } from './room-templates.ts'
import { banOf, CHILD, closedPower, TRANSFERRED_TYPES } from './upgrade-content.ts'

/** What a room that is to be replaced has, as its replacement takes it over. */
export class ReplacedRoom {
  readonly head: RoomHead
  readonly #events: RoomReaders['events']

  constructor(read: Pick<RoomReaders, 'events'>, head: RoomHead) {
    this.#events = read.events
    this.head = head
  }

  /** Its state that the replacement takes over. */
  async transferable(): Promise<InitialState[]> {
    const entries = TRANSFERRED_TYPES.flatMap(type => this.head.entry(type, '') ?? [])
    const children = [...this.head.state.values()].filter(entry => entry.type === CHILD)
    const events = await this.#events.byNids([...entries, ...children].map(entry => entry.nid))
    return events.flatMap(stored => {
      const content = contentShown(stored)
      const { type, stateKey = '' } = stored.event
      return Object.keys(content).length === 0 ? [] : [{ type, stateKey, content }]
    })
  }

  /** Of its names those which move with it. */
  async aliasState(aliases: readonly AliasRow[]): Promise<InitialState[]> {
    const names = new Set<unknown>(aliases.map(row => row.alias))
    const { alias, alt_aliases: others } = (await this.current('m.room.canonical_alias')) ?? {}
    const kept = Array.isArray(others) ? others.filter(name => names.has(name)) : []
    const content: JsonObject = {
      ...(typeof alias === 'string' && names.has(alias) ? { alias } : {}),
      ...(kept.length > 0 ? { alt_aliases: kept } : {}),
    }
    if (Object.keys(content).length === 0) return []
    return [{ type: 'm.room.canonical_alias', stateKey: '', content }]
  }

  /** The content of a state event under the empty state key, as it is now. */
  async current(type: string): Promise<JsonObject | undefined> {
    const entry = this.head.entry(type, '')
    const [stored] = entry === undefined ? [] : await this.#events.byNids([entry.nid])
    return stored && contentShown(stored)
  }

  /**
   * Its power levels, as they were before it was closed to be read only: its next replacement is not. `undefined` if it has none.
   *
   * @param levels the event that it has now
   * @param implied what held while it had none
   */
  async openPower(levels: RoomEvent | undefined, implied: JsonObject): Promise<JsonObject | undefined> {
    if (levels === undefined || this.head.entry('m.room.tombstone', '') === undefined) return levels?.content
    const authorities = (await this.#events.byIds(levels.authEvents)).values()
    const before = authorities.find(({ event }) => event.type === 'm.room.power_levels')
    const open = before === undefined ? implied : contentShown(before)
    const closed = closedPower(open, this.head.version, CREATOR_POWER_LEVEL)
    return closed !== undefined && isDeepStrictEqual(closed, levels.content) ? open : levels.content
  }

  /** Its bans, as the one who replaces it says them again. */
  async bans(sender: string): Promise<EventTemplate[]> {
    const nids = [...this.head.memberships].flatMap(([user, membership]) =>
      membership === 'ban' ? (this.head.entry('m.room.member', user)?.nid ?? []) : [],
    )
    return (await this.#events.byNids(nids)).map(stored => banOf(stored, sender))
  }
}

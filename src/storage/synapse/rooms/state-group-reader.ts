import type { SynapseSource } from '../source.ts'
import { inLists } from './in-lists.ts'

/** A point of a room's state and its event. */
export interface GroupEntry {
  readonly type: string
  readonly stateKey: string
  readonly eventId: string
}

/**
 * Reads Synapse's state groups. A group is a whole state: either all its entries are there, or how it differs from the group before
 * it, to which an edge leads.
 */
export class StateGroupReader {
  readonly #source: SynapseSource

  constructor(source: SynapseSource) {
    this.#source = source
  }

  /** The groups that some are told by. */
  async edges(groups: readonly number[]): Promise<Map<number, number>> {
    const rows = await inLists<{ stateGroup: number; before: number }>(
      groups,
      marks =>
        `SELECT state_group AS "stateGroup", prev_state_group AS before FROM state_group_edges
       WHERE state_group IN (${marks})`,
      this.#source,
    )
    return new Map(rows.map(row => [row.stateGroup, row.before]))
  }

  /** The entries that a group has of its own. */
  entries(group: number): Promise<GroupEntry[]> {
    return this.#source.all<GroupEntry>(
      `SELECT type, state_key AS "stateKey", event_id AS "eventId" FROM state_groups_state WHERE state_group = ?`,
      [group],
    )
  }

  /** The same of several groups. */
  entriesOf(groups: readonly number[]): Promise<(GroupEntry & { readonly stateGroup: number })[]> {
    return inLists(
      groups,
      marks =>
        `SELECT state_group AS "stateGroup", type, state_key AS "stateKey", event_id AS "eventId"
       FROM state_groups_state WHERE state_group IN (${marks})`,
      this.#source,
    )
  }

  /** The event that a group has of its own at a point. */
  async entry(group: number, type: string, stateKey: string): Promise<string | undefined> {
    const row = await this.#source.get<{ eventId: string }>(
      `SELECT event_id AS "eventId" FROM state_groups_state
       WHERE state_group = ? AND type = ? AND state_key = ?`,
      [group, type, stateKey],
    )
    return row?.eventId
  }
}

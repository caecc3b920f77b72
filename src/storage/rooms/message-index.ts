import type { WriteStatement } from '../database.ts'

/** What is looked for, and where. */
export interface MessageQuery {
  /** All of them have to occur; each is a row of tokens (`core/search-text`). */
  readonly phrases: readonly (readonly string[])[]
  readonly roomNids: readonly number[]
  /** Event types, by which also the part of the content is chosen that was indexed. */
  readonly types: readonly string[]
  /** Only events up to this nid, so that the pages of one search fit each other. */
  readonly upToNid: number
  /** Of more than this many events the newest are answered. */
  readonly limit: number
}

/** An event that was found. */
export interface MessageHit {
  readonly nid: number
  readonly roomNid: number
  readonly position: number
  readonly sender: string
  /** How well it fits: the greater the better. */
  readonly score: number
}

/** The words of messages, names and topics. What it finds has still to be checked: may the searcher see it? */
export interface MessageIndex {
  insert(message: {
    readonly nid: number
    readonly roomNid: number
    readonly tokens: readonly string[]
  }): WriteStatement
  remove(nids: readonly number[]): WriteStatement
  search(query: MessageQuery): Promise<MessageHit[]>
}

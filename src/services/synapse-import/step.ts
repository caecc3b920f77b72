import type { Database, SqlValue, WriteStatement } from '../../storage/database.ts'
import type { SynapseSource } from '../../storage/synapse/source.ts'
import type { ImportedMedia } from './imported-media.ts'

/** What all steps work with. */
export interface ImportWorld {
  readonly source: SynapseSource
  /** The database that is being filled. */
  readonly db: Database
  readonly serverName: string
  /**
   * The database of the Matrix Authentication Service to which Synapse leaves signing in; `left`: there is such a service, and what it has
   * stays behind. `undefined`: Synapse signs people in itself.
   */
  readonly mas?: SynapseSource | 'left' | undefined
  /** Where people may sign in here with accounts that they have elsewhere. */
  readonly providers?: readonly { readonly id: string; readonly issuer: string }[]
  /** Where files come from and go to; `undefined`: they stay behind. */
  readonly media?: ImportedMedia | undefined
  /** When the import began, or goes on: milliseconds since 1970. */
  readonly now: number
}

/** How far a step is, and what it has to say in the end. */
export interface StepProgress {
  /** The key of the last row that an interrupted attempt has dealt with. */
  readonly lastKey: readonly SqlValue[] | undefined
  /** Counts what came over, such as `accounts`. Said in the end as `12 accounts`. */
  came(what: string, count?: number): void
  /** Counts what did not, by a sentence that says what and why: `Devices of accounts that are not there`. */
  left(why: string, count?: number): void
  /**
   * Notes that all up to a key is dealt with. Belongs into the set with what was made of it, after everything of it was counted; is told how many
   * rows of the source that were.
   */
  note(lastKey: readonly SqlValue[], rows: number): WriteStatement
}

/** A part of the import. */
export interface ImportStep {
  /** What is moved, in a word or two, as it is shown while it goes on: `accounts`. Unique, and kept: it names the step when an import goes on. */
  readonly name: string
  /** How many rows of the source it will deal with. */
  count(world: ImportWorld): Promise<number>
  /** Does it, or the rest of it. What it stores without a `note` beside it has to bear being stored again. */
  run(world: ImportWorld, progress: StepProgress): Promise<void>
}

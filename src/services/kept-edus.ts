import type { JsonObject } from '../core/json.ts'
import type { WriteStatement } from '../storage/database.ts'

/** An EDU for other servers, kept until they have received it, however long that takes. */
export interface KeptEdu {
  /** The own server is passed over. */
  readonly destinations: readonly string[]
  /** `edu_type`. */
  readonly type: string
  readonly content: JsonObject
  /** Replaces what was queued under the same key and has not been sent yet. */
  readonly key?: string
}

/** Statements that store EDUs, and what is to be called once they are committed. */
export interface KeptEdus {
  readonly statements: readonly WriteStatement[]
  committed(): void
}

/**
 * Hands EDUs to federation as a part of a write set, all of the set's at once. Throws `CanonicalJsonError` where a content
 * cannot be sent, having done nothing.
 */
export type KeepEdus = (edus: readonly KeptEdu[]) => KeptEdus

/** Where federation is switched off. */
export const noEdus: KeepEdus = () => ({ statements: [], committed: () => {} })

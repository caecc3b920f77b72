import { portableJson } from '../../../../core/canonical-json.ts'
import type { JsonObject } from '../../../../core/json.ts'
import type { WriteStatement } from '../../../../storage/database.ts'

/** An EDU that is kept until each destination has it: messages to devices, device lists. */
export interface KeptEdu {
  readonly destinations: readonly string[]
  /** `edu_type` */
  readonly type: string
  readonly content: JsonObject
  /** A newer EDU with the same key takes the place of one that is still waiting. */
  readonly key?: string
}

/** An EDU for other servers. */
export interface OutgoingEdu extends KeptEdu {
  /** Whether it is kept; otherwise it is dropped rather than late. */
  readonly keep: boolean
}

/** Statements that store EDUs, and what is to be called once they are committed. */
export interface KeptEdus {
  readonly statements: readonly WriteStatement[]
  committed(): void
}

/** The text that travels. @throws {CanonicalJsonError} */
export const payloadOf = ({ type, content }: KeptEdu): string => portableJson({ content, edu_type: type })

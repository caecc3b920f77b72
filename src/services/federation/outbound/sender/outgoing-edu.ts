import { portableJson } from '../../../../core/canonical-json.ts'
import type { KeptEdu } from '../../../kept-edus.ts'

/** An EDU for other servers. */
export interface OutgoingEdu extends KeptEdu {
  /** Whether it is kept; otherwise it is dropped rather than late. */
  readonly keep: boolean
}

/** The text that travels. @throws {CanonicalJsonError} */
export const payloadOf = ({ type, content }: KeptEdu): string => portableJson({ content, edu_type: type })

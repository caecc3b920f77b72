import { MatrixError } from '../../core/errors.ts'
import type { JsonObject } from '../../core/json.ts'
import { isServerAllowed, parseServerAcl } from '../../core/server-acl.ts'

/** What an `m.room.canonical_alias` names, well formed or not. */
export const aliasesOf = (content: JsonObject): unknown[] => {
  const { alias, alt_aliases: alternatives } = content
  return [
    ...(alias === undefined || alias === null || alias === '' ? [] : [alias]),
    ...(Array.isArray(alternatives) ? alternatives : []),
  ]
}

/** Throws `M_INVALID_PARAM`. */
export const checkAliasList = ({ alt_aliases: alternatives = null }: JsonObject): void => {
  if (alternatives === null || Array.isArray(alternatives)) return
  throw new MatrixError('M_INVALID_PARAM', 'alt_aliases is a list of aliases')
}

/** Nobody of a server that the list keeps out could ever mend it. Throws `M_INVALID_PARAM`. */
export const checkOwnAccess = (content: JsonObject, serverName: string): void => {
  if (isServerAllowed(parseServerAcl(content), serverName)) return
  throw new MatrixError('M_INVALID_PARAM', 'This access control list would lock out your own server')
}

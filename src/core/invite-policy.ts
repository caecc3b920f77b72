import { compileGlob, type Glob, globMatches } from './glob.ts'
import { serverNameOf } from './ids.ts'
import type { JsonObject, JsonValue } from './json.ts'

/** What becomes of an invitation: who is ignored is not told so, who is blocked is. */
export type InviteVerdict = 'allow' | 'ignore' | 'block'

/** Judges who may invite somebody, by the ID of the inviting user. */
export type InvitePolicy = (inviter: string) => InviteVerdict

export const ALLOW_INVITES: InvitePolicy = () => 'allow'

/**
 * Reads `m.invite_permission_config` (module "Invite permission"): "When set to `block`, the user does not wish to receive any
 * room invites." "A missing, invalid or unsupported value means that the user wants to receive invites as normal."
 */
export const invitePolicy = (content: JsonObject): InvitePolicy =>
  content['default_action'] === 'block' ? () => 'block' : ALLOW_INVITES

interface Step {
  readonly globs: readonly Glob[]
  readonly subject: 'user' | 'server'
  readonly verdict: InviteVerdict
}

/**
 * Reads `org.matrix.msc4155.invite_permission_config` (MSC4155). "Any value that is not an array of strings MUST lead to the
 * entire event being considered invalid", as if it was not there.
 */
export const inviteFilter = (content: JsonObject): InvitePolicy => {
  // "If `enabled` is `false`, stop processing and allow."
  if (content['enabled'] === false) return ALLOW_INVITES
  const steps: Step[] = []
  for (const subject of ['user', 'server'] as const) {
    for (const [prefix, verdict] of [
      ['allowed', 'allow'],
      ['ignored', 'ignore'],
      ['blocked', 'block'],
    ] as const) {
      const patterns = readPatterns(content[`${prefix}_${subject}s`])
      if (patterns === undefined) return ALLOW_INVITES
      steps.push({ subject, verdict, globs: patterns.map(pattern => compileGlob(pattern)) })
    }
  }
  return inviter => {
    // "… matched against server names / domain parts of user IDs after stripping any port suffix."
    const subjects = { user: inviter, server: serverNameOf(inviter).replace(/:[0-9]*$/, '') }
    const first = steps.find(({ subject, globs }) => globs.some(glob => globMatches(glob, subjects[subject])))
    return first?.verdict ?? 'allow'
  }
}

/** `undefined` for what is no list of texts; "a missing property MUST be treated like an empty array". */
const readPatterns = (value: JsonValue | undefined): readonly string[] | undefined => {
  if (value === undefined) return []
  if (!Array.isArray(value)) return undefined
  const texts = value.filter((entry: unknown) => typeof entry === 'string')
  return texts.length === value.length ? texts : undefined
}

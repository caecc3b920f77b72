import type { JsonObject } from '../../core/json.ts'
import { profileFields } from '../../storage/accounts/profile-changes.ts'
import type { StoredProfile } from '../../storage/accounts/profiles.ts'

/** Which fields a client asks for; `undefined`: all. */
export type WantedFields = ReadonlySet<string> | undefined

/**
 * What a client is told of a user, as JSON text; `undefined`: nothing.
 *
 * @param isWhole whether all fields are told, not just what has changed
 * @param after up to where changes were told before; `undefined`: nothing was
 */
export const profileText = (
  profile: StoredProfile,
  wanted: WantedFields,
  { isWhole, after }: { readonly isWhole: boolean; readonly after: number | undefined },
): string | undefined => {
  const fields = new Map(Object.entries(profileFields(profile)))
  const changed = new Set<string>()
  for (const [name, at] of profile.changes) if (after !== undefined && at > after) changed.add(name)
  const isTold = (name: string): boolean => wanted?.has(name) !== false && (isWhole || changed.has(name))
  const updated = [...fields].filter(([name]) => isTold(name))
  const removed = [...changed].filter(name => !fields.has(name) && wanted?.has(name) !== false)
  if (updated.length + removed.length === 0) return undefined
  const told: JsonObject = {
    ...(updated.length === 0 ? {} : { updated: Object.fromEntries(updated) }),
    ...(removed.length === 0 ? {} : { removed }),
  }
  return JSON.stringify(told)
}

/** A number for a list of fields by which a connection knows whether it is the same as before: the length, and FNV-1a of its text. */
export const numberOfFields = (wanted: WantedFields): number => {
  if (wanted === undefined) return 0
  let hash = 0x811c9dc5
  for (const byte of Buffer.from(JSON.stringify([...wanted].toSorted())))
    hash = Math.imul(hash ^ byte, 0x01000193) >>> 0
  return (wanted.size + 1) * 2 ** 32 + hash
}

import type { JsonObject } from '../../core/json.ts'

/** What a profile says. */
export interface ProfileContent {
  readonly displayname: string | undefined
  readonly avatarUrl: string | undefined
  /** All other fields, as they were set. */
  readonly fields: JsonObject
}

/** Where fields changed last in the stream of profiles, by their names; those among them that are gone. */
export type ProfileChanges = ReadonlyMap<string, number>

/** Removed fields of which it is remembered when that was; whoever removes more is no person, and clients keep what came before. */
const MAX_REMOVED = 200

/** In the place of the position that a row is about to be given: nobody knows it before the commit. */
const HERE = 0

/** All fields of a profile by the names that clients know them by. */
export const profileFields = ({ displayname, avatarUrl, fields }: ProfileContent): JsonObject => ({
  ...fields,
  ...(displayname === undefined ? {} : { displayname }),
  ...(avatarUrl === undefined ? {} : { avatar_url: avatarUrl }),
})

/** Reads what `changesText` has written into a row that stands at a position. */
export const changesFrom = (text: string, position: number): ProfileChanges =>
  new Map((JSON.parse(text) as [string, number][]).map(([name, at]) => [name, at === HERE ? position : at]))

/** The changes of a profile that becomes another, as JSON text for the row that holds it. */
export const changesText = (
  from: ProfileContent & { readonly changes: ProfileChanges },
  to: ProfileContent,
): string => {
  const [before, after] = [valuesOf(from), valuesOf(to)]
  const changed = [...new Set([...before.keys(), ...after.keys()])].filter(
    name => before.get(name) !== after.get(name),
  )
  const positions = new Map(from.changes)
  for (const name of changed) positions.set(name, HERE)
  const byAge = [...positions].toSorted(([, a], [, b]) => ageOf(b) - ageOf(a))
  const removed = byAge.filter(([name]) => !after.has(name)).slice(0, MAX_REMOVED)
  return JSON.stringify([...byAge.filter(([name]) => after.has(name)), ...removed])
}

const ageOf = (position: number): number => (position === HERE ? Number.MAX_SAFE_INTEGER : position)

const valuesOf = (content: ProfileContent): ReadonlyMap<string, string> =>
  new Map(Object.entries(profileFields(content)).map(([name, value]) => [name, JSON.stringify(value)]))

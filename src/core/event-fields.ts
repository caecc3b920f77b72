import { isJsonObject, type JsonObject, type JsonValue } from './json.ts'

/** Members to keep of an object: each wholly (`true`) or in part. */
export type FieldTree = ReadonlyMap<string, FieldTree | true>

/** A tree under construction. */
type Branch = Map<string, Branch | true>

/** What `event_fields` asks for: dot-separated property paths (appendices), brought together into one tree. */
export const fieldTree = (paths: readonly string[]): FieldTree => {
  const root: Branch = new Map()
  for (const path of paths) {
    const names = propertyPath(path)
    let branch = root
    for (const [depth, name] of names.entries()) {
      const known = branch.get(name)
      if (known === true) break
      if (depth === names.length - 1) {
        branch.set(name, true)
        break
      }
      const next: Branch = known ?? new Map()
      branch.set(name, next)
      branch = next
    }
  }
  return root
}

/** The names of a path: dots separate them, but for those behind a backslash; other backslashes stand for themselves. */
export const propertyPath = (path: string): string[] => {
  const names = ['']
  for (let i = 0; i < path.length; i++) {
    const character = path.charAt(i)
    const next = path.charAt(i + 1)
    if (character === '\\' && (next === '.' || next === '\\')) {
      names.push((names.pop() ?? '') + next)
      i++
    } else if (character === '.') names.push('')
    else names.push((names.pop() ?? '') + character)
  }
  return names
}

/** A copy of an object with only the members that a tree names. */
export const pickFields = (object: JsonObject, tree: FieldTree): JsonObject => {
  const picked: [string, JsonValue][] = []
  for (const [name, wanted] of tree) {
    const value = Object.hasOwn(object, name) ? object[name] : undefined
    if (value === undefined) continue
    if (wanted === true) picked.push([name, value])
    else if (isJsonObject(value)) picked.push([name, pickFields(value, wanted)])
  }
  return Object.fromEntries(picked)
}

import type { Assignment } from './assignments.ts'
import type { OptionPath } from './schema-types.ts'

type Tree = Record<string, unknown> | unknown[]

const isTree = (value: unknown): value is Tree => typeof value === 'object' && value !== null

/** A copy of a tree with one value set; sections and lists on the way are made, or replace what is in the way. */
export const withValue = (tree: unknown, path: OptionPath, value: unknown): unknown => {
  const [step, ...rest] = path
  if (step === undefined) return value
  if (typeof step === 'number') {
    const list: unknown[] = Array.isArray(tree) ? [...tree] : []
    list[step] = withValue(list[step], rest, value)
    // A list with holes would be copied around as if the holes were not there.
    return Array.from(list, item => item ?? {})
  }
  const section = isTree(tree) && !Array.isArray(tree) ? tree : {}
  return { ...section, [step]: withValue(section[step], rest, value) }
}

/** What lies at a path, or `undefined`. */
export const valueAt = (tree: unknown, path: OptionPath): unknown =>
  path.reduce<unknown>((node, step) => {
    if (typeof step === 'number') return Array.isArray(node) ? node[step] : undefined
    return isTree(node) && !Array.isArray(node) && Object.hasOwn(node, step) ? node[step] : undefined
  }, tree)

const startsWith = (path: OptionPath, prefix: OptionPath): boolean =>
  prefix.length <= path.length && prefix.every((step, index) => step === path[index])

/** The last assignment that has a say about what is at a path. */
export const assignmentFor = (assignments: readonly Assignment[], path: OptionPath): Assignment | undefined =>
  assignments.findLast(({ path: assigned }) => startsWith(path, assigned) || startsWith(assigned, path))

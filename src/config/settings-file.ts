import { isAlias, isMap, isScalar, isSeq, LineCounter, type Node, parseDocument } from 'yaml'
import type { OptionPath } from './schema-types.ts'

/** A settings file that is well-formed YAML; whether its options are right is for `validate` to say. */
export interface SettingsFile {
  /** What the file says, as plain values. */
  readonly tree: unknown
  /** `homeserver.yaml:3:5`: the key of an option, or what is nearest to it. */
  readonly locate: (path: OptionPath) => string
}

const keyText = (key: unknown): string => String(isScalar(key) ? key.value : key)

/** One step down: the child, and the node to point at (in a section that is the key). */
const child = (node: unknown, step: string | number): { node: unknown; mark: unknown } | undefined => {
  if (isSeq(node) && typeof step === 'number') {
    return node.items.length > step ? { node: node.items[step], mark: node.items[step] } : undefined
  }
  if (!isMap(node)) return undefined
  const pair = node.items.find(item => keyText(item.key) === String(step))
  return pair && { node: pair.value, mark: pair.key }
}

/**
 * Parses a settings file.
 *
 * @param name How messages call the file.
 * @returns the file, or what is wrong with it, each with line and column (from 1).
 */
export const parseSettingsFile = (
  name: string,
  text: string,
): SettingsFile | { readonly errors: string[] } => {
  const lines = new LineCounter()
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false, logLevel: 'silent' })
  const at = (offset: number): string => {
    const { line, col } = lines.linePos(offset)
    return `${name}:${Math.max(line, 1)}:${Math.max(col, 1)}`
  }
  if (document.errors.length > 0) {
    return { errors: document.errors.map(error => `${at(error.pos[0])}: ${error.message}`) }
  }
  if (document.contents !== null && !isMap(document.contents)) {
    return { errors: [`${at(0)}: the file must consist of lines such as "server_name: example.org"`] }
  }
  const resolve = (node: unknown): unknown => (isAlias(node) ? node.resolve(document) : node)
  const locate = (path: OptionPath): string => {
    let node: unknown = document.contents
    let offset = 0
    for (const step of path) {
      const next = child(resolve(node), step)
      if (next === undefined) break
      offset = (next.mark as Node | null)?.range?.[0] ?? offset
      node = next.node
    }
    return at(offset)
  }
  try {
    return { tree: document.toJS() ?? {}, locate }
  } catch (error) {
    return { errors: [`${at(0)}: ${error instanceof Error ? error.message : String(error)}`] }
  }
}

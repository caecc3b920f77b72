/** A path into an event, read once for all events that are looked at by it. */
export interface PropertyPath {
  readonly text: string
  readonly names: readonly string[]
}

/** Reads a dot-separated property path. */
export const propertyPath = (text: string): PropertyPath => ({ text, names: parsePropertyPath(text) })

/**
 * Splits a dot-separated property path (appendices, "Dot-separated property paths"). `\.` is a dot and `\\` a backslash
 * of a name; "other escape sequences are left as-is".
 */
export const parsePropertyPath = (path: string): string[] => {
  if (!path.includes('\\')) return path.split('.')
  const names: string[] = []
  let name = ''
  for (let i = 0; i < path.length; i++) {
    const character = path.charAt(i)
    const next = path.charAt(i + 1)
    if (character === '\\' && (next === '.' || next === '\\')) {
      name += next
      i++
    } else if (character === '.') {
      names.push(name)
      name = ''
    } else name += character
  }
  return [...names, name]
}

/** A glob that has been read once, to be matched often. */
export interface Glob {
  /** The stretches between the stars; `?` in them stands for one character. */
  readonly segments: readonly string[]
}

/** Reads a glob (appendices, "Glob-style matching"): `*` is any characters or none, `?` exactly one. */
export const compileGlob = (pattern: string): Glob => ({ segments: pattern.split(/\*+/) })

/**
 * Whether a glob matches the whole of a text. Letter case counts; who does not want that lowers both.
 *
 * Each stretch between stars is taken at its first place, which is always right for globs, so nothing is ever tried
 * again: the text is gone through once, whatever the pattern. (A stretch that holds `?` is compared at every place in
 * between, which costs at worst its length for each.)
 */
export const globMatches = ({ segments }: Glob, text: string): boolean => {
  const [first = '', ...others] = segments
  const last = others.pop()
  let position = matchAt(first, text, 0)
  if (last === undefined) return position === text.length
  for (const segment of others) {
    if (position === -1) return false
    position = findFrom(segment, text, position)
  }
  return position !== -1 && matchesEnd(last, text, position)
}

/** Where a stretch that begins at `start` ends, or -1 if it does not stand there. */
export const matchAt = (segment: string, text: string, start: number): number => {
  if (!segment.includes('?')) return text.startsWith(segment, start) ? start + segment.length : -1
  let position = start
  for (let i = 0; i < segment.length; i++) {
    const unit = segment.charCodeAt(i)
    if (position >= text.length) return -1
    if (unit === QUESTION_MARK) position += characterLength(text, position)
    else if (unit === text.charCodeAt(position)) position++
    else return -1
  }
  return position
}

const QUESTION_MARK = '?'.charCodeAt(0)

/** "Exactly one character" is a code point, which takes one unit of a string or two. */
const characterLength = (text: string, position: number): number =>
  (text.codePointAt(position) ?? 0) > 0xffff ? 2 : 1

/** Where the first occurrence of a stretch from `start` on ends, or -1. */
const findFrom = (segment: string, text: string, start: number): number => {
  if (!segment.includes('?')) {
    const found = text.indexOf(segment, start)
    return found === -1 ? -1 : found + segment.length
  }
  for (let at = start; at <= text.length; at++) {
    const end = matchAt(segment, text, at)
    if (end !== -1) return end
  }
  return -1
}

/** Whether the text from `start` on ends with a stretch. */
const matchesEnd = (segment: string, text: string, start: number): boolean => {
  if (!segment.includes('?')) return text.length - start >= segment.length && text.endsWith(segment)
  const characters = [...segment].length
  let at = text.length
  for (let i = 0; i < characters; i++) at = before(text, at)
  return at >= start && matchAt(segment, text, at) === text.length
}

/** The position of the character that ends at `position`. */
const before = (text: string, position: number): number =>
  position >= 2 && characterLength(text, position - 2) === 2 ? position - 2 : position - 1

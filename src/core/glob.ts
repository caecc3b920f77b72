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
 * again: the text is gone through once, whatever the pattern.
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

/** Which places a stretch may begin and end at. */
export interface Bounds {
  readonly begins: (text: string, at: number) => boolean
  readonly ends: (text: string, at: number) => boolean
}

const ANYWHERE: Bounds = { begins: () => true, ends: () => true }
/** In what is shorter a stretch is compared at every place. */
const LONG = 256
const BITS = 32

/** Where the first occurrence of a stretch that holds `?` ends, from `start` on, or -1. */
export const findStretch = (segment: string, text: string, start: number, bounds = ANYWHERE): number => {
  if (text.length - start > LONG) return findInLong([...segment], text, start, bounds)
  for (let at = start; at < text.length; at += characterLength(text, at)) {
    const end = bounds.begins(text, at) ? matchAt(segment, text, at) : -1
    if (end !== -1 && bounds.ends(text, end)) return end
  }
  return -1
}

/**
 * The same for a text of any length: a bit for each character of the stretch says whether it stands there, with what is before it, just
 * before the place that is looked at (Baeza-Yates and Gonnet, "shift-and"). What it costs grows with a 32nd of the stretch's length:
 * people's own patterns are tried with everything that others write.
 */
const findInLong = (stretch: readonly string[], text: string, start: number, bounds: Bounds): number => {
  const words = Math.ceil(stretch.length / BITS)
  const { masks, others } = masksOf(stretch, words)
  const standing = new Int32Array(words)
  const last = 1 << ((stretch.length - 1) % BITS)
  for (let at = start; at < text.length; ) {
    const mask = masks.get(text.codePointAt(at) ?? 0) ?? others
    let carry = bounds.begins(text, at) ? 1 : 0
    for (let word = 0; word < words; word++) {
      const before = standing[word] ?? 0
      standing[word] = ((before << 1) | carry) & (mask[word] ?? 0)
      carry = before >>> (BITS - 1)
    }
    at += characterLength(text, at)
    if (((standing[words - 1] ?? 0) & last) !== 0 && bounds.ends(text, at)) return at
  }
  return -1
}

/** Where in a stretch each of its characters may stand, and where any other may: a bit for each place. */
const masksOf = (
  stretch: readonly string[],
  words: number,
): { masks: ReadonlyMap<number, Int32Array>; others: Int32Array } => {
  const others = new Int32Array(words)
  const allow = (mask: Int32Array, place: number): void => {
    const word = Math.floor(place / BITS)
    mask[word] = (mask[word] ?? 0) | (1 << (place % BITS))
  }
  for (const [place, character] of stretch.entries()) if (character === '?') allow(others, place)
  const masks = new Map<number, Int32Array>()
  for (const [place, character] of stretch.entries()) {
    if (character === '?') continue
    const codePoint = character.codePointAt(0) ?? 0
    const mask = masks.get(codePoint) ?? others.slice()
    masks.set(codePoint, mask)
    allow(mask, place)
  }
  return { masks, others }
}

/** "Exactly one character" is a code point, which takes one unit of a string or two. */
const characterLength = (text: string, position: number): number =>
  (text.codePointAt(position) ?? 0) > 0xffff ? 2 : 1

/** Where the first occurrence of a stretch from `start` on ends, or -1. */
const findFrom = (segment: string, text: string, start: number): number => {
  if (!segment.includes('?')) {
    const found = text.indexOf(segment, start)
    return found === -1 ? -1 : found + segment.length
  }
  return findStretch(segment, text, start)
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

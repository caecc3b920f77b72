import { findStretch, type Glob } from '../glob.ts'

/** "Any character not in the sets [A-Z], [a-z], [0-9] or _", or the start or end. */
const isWord = (text: string, at: number): boolean => {
  const unit = text.charCodeAt(at)
  return (
    (unit >= 97 && unit <= 122) || (unit >= 48 && unit <= 57) || (unit >= 65 && unit <= 90) || unit === 95
  )
}
const startsWord = (text: string, at: number): boolean => at === 0 || !isWord(text, at - 1)
const endsWord = (text: string, at: number): boolean => at === text.length || !isWord(text, at)

/**
 * Whether a glob matches any part of a text that stands between word boundaries (module "Push Notifications",
 * `event_match` of `content.body`). Letter case counts.
 *
 * Each stretch between stars is taken at the first place where it fits, which leaves the most to those after it.
 */
export const globMatchesWords = ({ segments }: Glob, text: string): boolean => {
  let position = 0
  for (const [index, segment] of segments.entries()) {
    const isFirst = index === 0
    const isLast = index === segments.length - 1
    // A star at either end reaches to the end of the text, which is a boundary.
    if (segment === '' && segments.length > 1) continue
    const end = find(segment, text, position, { isFirst, isLast })
    if (end === -1) return false
    position = end
  }
  return true
}

const find = (
  segment: string,
  text: string,
  from: number,
  { isFirst, isLast }: { isFirst: boolean; isLast: boolean },
): number => {
  const bounds = { begins: isFirst ? startsWord : anywhere, ends: isLast ? endsWord : anywhere }
  if (segment.includes('?')) return findStretch(segment, text, from, bounds)
  for (let at = text.indexOf(segment, from); at !== -1; at = text.indexOf(segment, at + 1)) {
    const end = at + segment.length
    if (bounds.begins(text, at) && bounds.ends(text, end)) return end
    if (at === text.length) break
  }
  return -1
}

const anywhere = (): boolean => true

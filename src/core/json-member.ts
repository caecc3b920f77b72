import { endOfString } from './parse-json.ts'

/**
 * The source text of a member at the top level of an object, without anything being parsed: `memberText('{"a":[1]}', 'a')` is
 * `[1]`. Only for text that is known to be an object, without white space between its tokens and without escapes in the names
 * of members that are looked for, as canonical JSON is. `undefined` where there is no such member.
 */
export const memberText = (text: string, name: string): string | undefined => {
  // Behind the brace; from here on always at a name.
  let at = 1
  while (text.charCodeAt(at) === QUOTE) {
    const colon = endOfString(text, at) + 1
    const end = endOfValue(text, colon + 1)
    if (colon - at === name.length + 2 && text.startsWith(name, at + 1)) return text.slice(colon + 1, end)
    at = end + 1
  }
  return undefined
}

const QUOTE = 0x22
const COMMA = 0x2c
const OPENING_BRACKET = 0x5b
const CLOSING_BRACKET = 0x5d
const OPENING_BRACE = 0x7b
const CLOSING_BRACE = 0x7d

/** The index behind the value that begins at `start`. */
const endOfValue = (text: string, start: number): number => {
  let depth = 0
  for (let i = start; i < text.length; i++) {
    const unit = text.charCodeAt(i)
    if (unit === QUOTE) {
      i = endOfString(text, i)
      if (depth === 0) return i + 1
    } else if (unit === OPENING_BRACE || unit === OPENING_BRACKET) depth++
    else if (unit === CLOSING_BRACE || unit === CLOSING_BRACKET) {
      // What ends a number, or a word, is the end of the object around it.
      if (depth === 0) return i
      if (--depth === 0) return i + 1
    } else if (unit === COMMA && depth === 0) return i
  }
  return text.length
}

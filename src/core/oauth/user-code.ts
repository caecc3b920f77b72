/**
 * Codes that people carry from one device to another: "case-insensitive A-Z characters, without vowels" (RFC 8628, 6.1), so
 * that no words come about, and nothing that is mistaken for something else. 8 of them are 25 thousand million.
 */
export const USER_CODE_ALPHABET = 'BCDFGHJKLMNPQRSTVWXZ'
export const USER_CODE_LENGTH = 8

/** What somebody typed, as it is stored: "strip dashes and other punctuation". `undefined`: no code. */
export const userCodeOf = (typed: string): string | undefined => {
  if (typed.length > 64) return undefined
  const code = typed.toUpperCase().replaceAll(/[^A-Z0-9]/g, '')
  const isCode =
    code.length === USER_CODE_LENGTH && [...code].every(each => USER_CODE_ALPHABET.includes(each))
  return isCode ? code : undefined
}

/** A code as it is shown: `WDJB-MJHT`. */
export const shownUserCode = (code: string): string => `${code.slice(0, 4)}-${code.slice(4)}`

/**
 * `Content-Disposition` (RFC 6266) with file names of any script (RFC 8187), both ways. What peers send is read
 * leniently, but a header that cannot be understood is as good as none.
 */

export interface ContentDisposition {
  /** `inline`, `attachment`, or what else there may be; in lower case. */
  readonly type: string
  readonly fileName?: string
}

/** `attr-char` of RFC 8187: what stands unencoded in an extended value. */
const NOT_ATTR_CHAR = /[^A-Za-z0-9!#$&+.^_`|~-]/

/** What a quoted string cannot carry to every reader: all but printable ASCII, and what some take for an escape. */
const NOT_PLAIN = /[^\x20-\x7e]|%[0-9A-Fa-f]{2}/

/**
 * Writes the header. The same name always comes out of it again; lone surrogates, which no encoding has, are U+FFFD.
 *
 * A name beyond printable ASCII is given twice, since "recipients should pick filename* and ignore filename".
 */
export const formatContentDisposition = (type: 'inline' | 'attachment', fileName?: string): string => {
  if (fileName === undefined || fileName === '') return type
  const name = fileName.toWellFormed()
  const plain = name.replaceAll(/[^\x20-\x7e]/gu, '_').replaceAll(/["\\]/g, '\\$&')
  const quoted = `${type}; filename="${plain}"`
  return NOT_PLAIN.test(name) ? `${quoted}; filename*=UTF-8''${encodeExtended(name)}` : quoted
}

const encodeExtended = (text: string): string =>
  Array.from(new TextEncoder().encode(text), byte => {
    const character = String.fromCharCode(byte)
    return byte > 0x7e || NOT_ATTR_CHAR.test(character)
      ? `%${byte.toString(16).toUpperCase().padStart(2, '0')}`
      : character
  }).join('')

const TYPE = /^[\t ]*([!#$%&'*+.^_`|~0-9A-Za-z-]+)[\t ]*/
/** `;`, a name, `=`, and a token or a quoted string; empty parameters are skipped. */
const PARAMETER =
  /[\t ]*;[\t ]*(?:([!#$%&'+.^_`|~0-9A-Za-z-]+\*?)[\t ]*=[\t ]*(?:"((?:[^"\\]|\\.)*)"|([^\s";,]+))[\t ]*)?/y

/** Longer headers than any honest one; none of the patterns takes more than linear time. */
const MAX_LENGTH = 16_384

/** Reads the header; `undefined` where it is none. Of a name that comes twice, the extended form counts. */
export const parseContentDisposition = (header: string): ContentDisposition | undefined => {
  const [start = '', type] = (header.length <= MAX_LENGTH && TYPE.exec(header)) || []
  if (type === undefined) return undefined
  const parameters = parseParameters(header.slice(start.length))
  if (parameters === undefined) return undefined
  const extended = decodeExtended(parameters.get('filename*'))
  const fileName = extended ?? parameters.get('filename')
  return {
    type: type.toLowerCase(),
    ...(fileName === undefined || fileName === '' ? {} : { fileName: fileName.toWellFormed() }),
  }
}

const parseParameters = (text: string): Map<string, string> | undefined => {
  const parameters = new Map<string, string>()
  PARAMETER.lastIndex = 0
  while (PARAMETER.lastIndex < text.length) {
    const match = PARAMETER.exec(text)
    if (match === null) return undefined
    const [, name, quoted, token = ''] = match
    const key = name?.toLowerCase()
    if (key === undefined || parameters.has(key)) continue
    parameters.set(key, quoted === undefined ? token : quoted.replaceAll(/\\(.)/gs, '$1'))
  }
  return parameters
}

/** `charset'language'value`, with the two charsets that RFC 8187 and its predecessor name. */
const decodeExtended = (value: string | undefined): string | undefined => {
  const [, charset = '', encoded = ''] = /^(utf-8|iso-8859-1)'[^']*'(.*)$/i.exec(value ?? '') ?? []
  if (encoded === '' || /%(?![0-9A-Fa-f]{2})/.test(encoded)) return undefined
  const bytes = encoded.replaceAll(/%(..)/g, (_match, hex: string) => String.fromCharCode(parseInt(hex, 16)))
  const binary = Uint8Array.from(bytes, character => character.charCodeAt(0) & 0xff)
  if (charset.toLowerCase() === 'iso-8859-1') return String.fromCharCode(...binary)
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(binary)
  } catch {
    return undefined
  }
}

/** How far into a page its own word on its encoding is looked for (HTML, "Determining the character encoding"). */
const PRESCAN = 1_024

const MARKS: readonly (readonly [readonly number[], string])[] = [
  [[0xef, 0xbb, 0xbf], 'utf-8'],
  [[0xfe, 0xff], 'utf-16be'],
  [[0xff, 0xfe], 'utf-16le'],
]

const decoderOf = (
  label: string | undefined,
  fatal: boolean,
): InstanceType<typeof TextDecoder> | undefined => {
  try {
    return label === undefined ? undefined : new TextDecoder(label, { fatal })
  } catch {
    return undefined
  }
}

const labelIn = (text: string): string | undefined =>
  /charset\s{0,5}=\s{0,5}["']?([\w:-]{1,40})/i.exec(text)?.[1]

/** What XHTML says of itself in its first line. */
const declaredIn = (text: string): string | undefined =>
  /^\s{0,20}<\?xml[^>]{0,200}\sencoding\s{0,5}=\s{0,5}["']([\w:-]{1,40})/i.exec(text)?.[1]

/** A page as text: by its byte order mark, the header, its own word, or by trying. */
export const decodePage = (bytes: Uint8Array, contentType: string): string => {
  const mark = MARKS.find(([prefix]) => prefix.every((byte, index) => bytes[index] === byte))?.[1]
  const start = Buffer.from(bytes.subarray(0, PRESCAN)).toString('latin1')
  const own = declaredIn(start) ?? labelIn(start)
  const decoder =
    decoderOf(mark, false) ?? decoderOf(labelIn(contentType), false) ?? decoderOf(utf8IfAscii(own), false)
  if (decoder !== undefined) return decoder.decode(bytes)
  try {
    // A page that was cut off may end in the middle of a character.
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes, { stream: true })
  } catch {
    return new TextDecoder('windows-1252').decode(bytes)
  }
}

/** What could be read as ASCII is no UTF-16, whatever it says. */
const utf8IfAscii = (label: string | undefined): string | undefined =>
  label !== undefined && /^utf-?16/i.test(label) ? 'utf-8' : label

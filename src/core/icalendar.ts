/**
 * iCalendar text (RFC 5545), as far as invitations need it: content lines, folded and escaped, written and read. What they
 * mean is for others to know.
 */

/** A property: its name in capitals, its parameters, its value as it is written (texts are escaped: `escapeText`). */
export interface ContentLine {
  readonly name: string
  readonly parameters: Readonly<Record<string, string>>
  readonly value: string
}

/** "Lines of text SHOULD NOT be longer than 75 octets, excluding the line break" (3.1). */
const MAX_LINE_OCTETS = 75

/** Writes content lines. Parameters and values lose what may not stand in them: control characters. */
export const writeLines = (lines: readonly ContentLine[]): string =>
  lines
    .map(({ name, parameters, value }) => {
      const given = Object.entries(parameters).map(([key, text]) => `;${key}=${parameterValue(text)}`)
      return fold(`${name}${given.join('')}:${printable(value)}`)
    })
    .join('')

/** A property without parameters. */
export const line = (
  name: string,
  value: string,
  parameters: ContentLine['parameters'] = {},
): ContentLine => ({ name, parameters, value })

/** A text as the value of a property (3.3.11). */
export const escapeText = (text: string): string =>
  text.replaceAll(/[\\;,]/g, '\\$&').replaceAll(/\r\n|\r|\n/g, '\\n')

/** The text that such a value stands for. */
export const unescapeText = (value: string): string =>
  value.replaceAll(/\\([\\;,nN])/g, (_, escaped: string) =>
    escaped === 'n' || escaped === 'N' ? '\n' : escaped,
  )

/** An instant (ms) as a date with time in UTC (3.3.5), which has whole seconds. */
export const dateTime = (ts: number): string => new Date(ts).toISOString().replaceAll(/[-:]|\.\d+/g, '')

/** Quoted where it has to be: words that the standard names are not. What may not stand in quotes is encoded (RFC 6868). */
const parameterValue = (text: string): string => {
  const encoded = text
    .replaceAll('^', '^^')
    .replaceAll('"', "^'")
    .replaceAll(/\r\n|\r|\n/g, '^n')
  return /^[\w-]+$/.test(encoded) ? encoded : `"${printable(encoded)}"`
}

const decodeParameter = (text: string): string =>
  text.replaceAll(/\^([n^'])/g, (_, code: string) => (code === 'n' ? '\n' : code === "'" ? '"' : '^'))

// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what it is about
const printable = (text: string): string => text.replaceAll(/[\u0000-\u0008\u000a-\u001f\u007f]/g, '')

const fold = (text: string): string => {
  let folded = ''
  let octets = 0
  for (const character of text) {
    const size = Buffer.byteLength(character)
    if (octets + size > MAX_LINE_OCTETS) {
      folded += '\r\n '
      octets = 1
    }
    folded += character
    octets += size
  }
  return `${folded}\r\n`
}

/**
 * Reads content lines; those that are none are skipped. Parameters with several values keep the first.
 */
export const readLines = (text: string): ContentLine[] =>
  text
    .replaceAll(/\r?\n[ \t]/g, '')
    .split(/\r?\n/)
    .flatMap(unfolded => contentLine(unfolded) ?? [])

const contentLine = (text: string): ContentLine | undefined => {
  const [start, name] = /^([A-Za-z0-9-]+)/.exec(text) ?? []
  if (start === undefined || name === undefined) return undefined
  const parameters: Record<string, string> = Object.create(null) as Record<string, string>
  const parameter = /;([A-Za-z0-9-]+)=("[^"]*"|[^";:,]*)(?:,(?:"[^"]*"|[^";:,]*))*/y
  parameter.lastIndex = start.length
  let end = start.length
  for (let found = parameter.exec(text); found !== null; found = parameter.exec(text)) {
    end = parameter.lastIndex
    const [, key = '', value = ''] = found
    parameters[key.toUpperCase()] = decodeParameter(value.replaceAll('"', ''))
  }
  if (text[end] !== ':') return undefined
  return { name: name.toUpperCase(), parameters, value: text.slice(end + 1) }
}

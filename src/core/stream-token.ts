/**
 * Tokens of `/sync` and `/messages`: a version, then each stream's position under its letter (`s1.e42.r7`). Keyed,
 * never positional, so that streams can join and go without breaking the tokens that clients hold.
 */

/**
 * The letter of each stream in a token. `t` (typing) and `p` (presence) count in memory, all others in the database.
 * `k` (sticky events) counts on the axis of the events, and may lag behind. So does `u`: up to where the counts of what is unread
 * were right, in tokens of responses that told of events beyond that. And so does `m`: up to where it was told with whom rooms came to
 * be shared, on connections that do not ask for it each time.
 * `f` is the stream of profiles; `q` for it what `m` is for lists of devices, and `h` says of which fields it was told.
 * `x` is no stream, but the number of the process that has made the token, where there are several.
 */
export const STREAM_LETTERS = {
  events: 'e',
  invites: 'i',
  account_data: 'a',
  receipts: 'r',
  typing: 't',
  presence: 'p',
  to_device: 'd',
  device_lists: 'l',
  notifications: 'n',
  thread_subscriptions: 's',
  sticky: 'k',
  unread: 'u',
  moves: 'm',
  profiles: 'f',
  profile_moves: 'q',
  profile_fields: 'h',
  maker: 'x',
} as const

export type SyncStream = keyof typeof STREAM_LETTERS

/** Positions by stream; a stream that is not named has not been followed yet. */
export type StreamToken = Readonly<Partial<Record<SyncStream, number | undefined>>>

const VERSION = 's1'
const LETTERS = Object.entries(STREAM_LETTERS) as readonly (readonly [name: SyncStream, letter: string])[]
const NAMES = new Map(LETTERS.map(([name, letter]) => [letter, name]))
const FORM = /^s1(?:\.[a-z]-?\d{1,16})*$/
const LARGEST_TOKEN = 400

/** Writes a token. Positions are integers; those on the events axis may be negative (history fetched later). */
export const formatStreamToken = (token: StreamToken): string => {
  let text = VERSION
  for (const [name, letter] of LETTERS) {
    const position = token[name]
    if (position !== undefined) text += `.${letter}${position}`
  }
  return text
}

/** Reads a token; `undefined` if it is not one of ours. Letters of streams that are not known any more are skipped. */
export const parseStreamToken = (text: string): StreamToken | undefined => {
  if (text.length > LARGEST_TOKEN || !FORM.test(text)) return undefined
  const token: Partial<Record<SyncStream, number>> = {}
  for (let at = VERSION.length; at < text.length; ) {
    const next = text.indexOf('.', at + 1)
    const end = next === -1 ? text.length : next
    const name = NAMES.get(text.charAt(at + 1))
    const position = Number(text.slice(at + 2, end))
    if (!Number.isSafeInteger(position)) return undefined
    if (name !== undefined) token[name] = position
    at = end
  }
  return token
}

import type { JsonObject, JsonValue } from '../core/json.ts'
import type { RoomVersion } from '../core/room-versions.ts'

/** One event, as a line of `RoomBuilder` says it. */
export interface RoomLine {
  /** `!` in front: the event may break the rules. */
  readonly forged: boolean
  readonly name: string
  readonly sender: string
  readonly verb: string
  readonly type: string
  readonly stateKey: string | undefined
  readonly content: JsonObject
  /** Names of events; `undefined` is "the line above". */
  readonly prev: readonly string[] | undefined
  /** Names of events; `undefined` is "what the selection takes from the state before". */
  readonly auth: readonly string[] | undefined
  readonly originServerTs: number | undefined
}

/** `alice` is `@alice:alice.test`: everybody has a server of their own. `bob@other.test` is `@bob:other.test`. */
export const userId = (name: string): string => {
  const [localpart, server] = name.split('@')
  return `@${localpart}:${server ?? `${localpart}.test`}`
}

/** The room versions in `1-11` or `12`. */
export const versionsIn = (range: string): string[] => {
  const [first = 0, last = first] = range.split('-').map(Number)
  return Array.from({ length: last - first + 1 }, (_, index) => String(first + index))
}

const LINE =
  /^(?<forged>!?)(?<name>\w+): (?<sender>\S+) (?<verb>\w+)(?: (?![<|@] ?)(?<rest>.*?))?(?: < (?<prev>[\w ]+?))?(?: \| (?<auth>[\w ]*?))?(?: @(?<ts>\d+))?$/

interface Said {
  readonly sender: string
  readonly words: readonly string[]
  readonly rest: string
  readonly version: RoomVersion
}

type Saying = Pick<RoomLine, 'type' | 'stateKey' | 'content'>

const member = (membership: string, target: string, content: JsonObject = {}): Saying => ({
  type: 'm.room.member',
  stateKey: target,
  content: { membership, ...content },
})

const targeted =
  (membership: string) =>
  ({ words }: Said): Saying =>
    member(membership, userId(words[0] ?? ''))

/** `ban=50 users_default=10 event:m.room.topic=30 bob=20`: users by name, named levels by theirs. */
const powerLevels = ({ words }: Said): Saying => {
  const content: Record<string, JsonValue> = {}
  const users: Record<string, JsonValue> = {}
  const events: Record<string, JsonValue> = {}
  for (const word of words) {
    const [, name = '', level = ''] = /^(.*)=(.*)$/.exec(word) ?? []
    if (name.startsWith('event:')) events[name.slice('event:'.length)] = Number(level)
    else if (/^(ban|kick|redact|invite)$|_default$/.test(name)) content[name] = Number(level)
    else users[userId(name)] = Number(level)
  }
  return { type: 'm.room.power_levels', stateKey: '', content: { ...content, events, users } }
}

/** What each verb makes. */
const VERBS: Readonly<Record<string, (said: Said) => Saying>> = {
  create: ({ sender, words, version }) => ({
    type: 'm.room.create',
    stateKey: '',
    content: {
      room_version: version.id,
      ...(version.auth.creatorIsSender ? {} : { creator: sender }),
      ...(words.length > 0 && version.auth.privilegedCreators
        ? { additional_creators: words.map(userId) }
        : {}),
    },
  }),
  join: ({ sender, words }) =>
    member('join', sender, words[0] ? { join_authorised_via_users_server: userId(words[0]) } : {}),
  knock: ({ sender }) => member('knock', sender),
  leave: ({ sender }) => member('leave', sender),
  invite: targeted('invite'),
  kick: targeted('leave'),
  ban: targeted('ban'),
  power: powerLevels,
  rule: ({ words }) => ({ type: 'm.room.join_rules', stateKey: '', content: { join_rule: words[0] ?? '' } }),
  topic: ({ rest }) => ({ type: 'm.room.topic', stateKey: '', content: { topic: rest } }),
  say: ({ rest }) => ({ type: 'm.room.message', stateKey: undefined, content: { body: rest } }),
  /** A message that is sticky for an hour (MSC4354). */
  stick: ({ rest }) => ({ type: 'org.example.rtc', stateKey: undefined, content: { body: rest } }),
  /** `redact NAME` of an event above */
  redact: ({ words }) => ({ type: 'm.room.redaction', stateKey: undefined, content: { redacts: words[0] } }),
  /** `send m.room.message {"body": "x"}` */
  send: ({ rest }) => {
    const [, type = '', content = '{}'] = /^(\S+) (\{.*\})$/.exec(rest) ?? []
    return { type, stateKey: undefined, content: JSON.parse(content) as JsonObject }
  },
  /** `state m.room.name "key" {"name": "x"}` */
  state: ({ rest }) => {
    const [, type = '', stateKey = '', content = '{}'] = /^(\S+) "(.*?)" (\{.*\})$/.exec(rest) ?? []
    return { type, stateKey, content: JSON.parse(content) as JsonObject }
  },
}

/**
 * Reads a line: `NAME: sender verb words < PREV PREV | AUTH AUTH @timestamp`, where all from `<` on may be left out,
 * and `< nothing` begins a room.
 *
 * @throws {SyntaxError} on a line or verb that is not understood.
 */
export const readRoomLine = (line: string, version: RoomVersion): RoomLine => {
  const groups = LINE.exec(line)?.groups
  const verb = groups?.['verb'] ?? ''
  const make = VERBS[verb]
  if (groups === undefined || make === undefined) throw new SyntaxError(`Not a line of a room: ${line}`)
  const sender = userId(groups['sender'] ?? '')
  const rest = groups['rest'] ?? ''
  return {
    forged: groups['forged'] === '!',
    name: groups['name'] ?? '',
    sender,
    verb,
    ...make({ sender, rest, words: rest.split(' ').filter(Boolean), version }),
    prev: groups['prev'] === 'nothing' ? [] : groups['prev']?.split(' '),
    auth: groups['auth']?.split(' ').filter(Boolean),
    originServerTs: groups['ts'] === undefined ? undefined : Number(groups['ts']),
  }
}

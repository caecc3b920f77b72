import { type MailBlock, mailText, oneLine } from '../../core/mail-text.ts'
import type { MailWords } from '../../core/mail-words/index.ts'
import type { Mail } from '../../network/mailer.ts'
import type { Announced } from './push-message.ts'

/** More rooms than this are only counted, and so are more messages of one. */
const MAX_ROOMS = 10
const MAX_MESSAGES = 5
const MAX_BODY = 300
const MAX_NAME = 80

/** What a message about missed messages is made of. */
export interface Digest {
  readonly to: string
  readonly userId: string
  readonly serverName: string
  /** In the order in which they were sent. */
  readonly events: readonly Announced[]
  /** Where the messages can be ended, by a page and by mail programs (RFC 8058). */
  readonly unsubscribeUrl: string
  readonly words: MailWords
}

/** Writes it. Nothing that anybody wrote becomes markup, a header, or more than a few lines. */
export const digestMail = ({ to, userId, serverName, events, unsubscribeUrl, words }: Digest): Mail => {
  const { digest: say, lang } = words
  const rooms = [...Map.groupBy(events, event => event.roomId).values()]
  const blocks: MailBlock[] = [
    say.missed(events.length, serverName),
    ...rooms.slice(0, MAX_ROOMS).map(room => roomText(room, say)),
    ...(rooms.length > MAX_ROOMS ? [say.moreRooms(rooms.length - MAX_ROOMS)] : []),
    say.why(userId),
    { link: unsubscribeUrl, label: say.unsubscribe },
  ]
  return {
    to,
    subject: subjectOf(rooms, events.length, say),
    ...mailText(blocks, lang),
    headers: {
      'List-Unsubscribe': `<${unsubscribeUrl}>`,
      'List-Unsubscribe-Post': 'List-Unsubscribe=One-Click',
    },
  }
}

type Words = MailWords['digest']

const subjectOf = (rooms: readonly (readonly Announced[])[], count: number, say: Words): string => {
  const [first = []] = rooms
  const [event] = first
  if (event === undefined || rooms.length > 1) return say.subjectOfRooms(count, rooms.length)
  const where = event.roomName ?? event.roomAlias
  return where === undefined
    ? say.subjectFrom(count, senderOf(event))
    : say.subjectIn(count, oneLine(where, MAX_NAME))
}

const roomText = (events: readonly Announced[], say: Words): string => {
  const [first] = events
  if (first === undefined) return ''
  const name = first.roomName ?? first.roomAlias ?? say.conversationWith(senderOf(first))
  const hidden = Math.max(events.length - MAX_MESSAGES, 0)
  return [
    oneLine(name, MAX_NAME),
    ...(hidden > 0 ? [`  ${say.earlier(hidden)}`] : []),
    ...events.slice(hidden).map(event => `  ${senderOf(event)}: ${wordsOf(event, say)}`),
  ].join('\n')
}

const senderOf = ({ sender, senderDisplayName }: Announced): string =>
  oneLine(senderDisplayName ?? sender, MAX_NAME)

const wordsOf = ({ type, content }: Announced, say: Words): string => {
  if (type === 'm.room.encrypted') return say.encrypted
  if (type === 'm.call.invite') return say.call
  const { body } = content
  return typeof body === 'string' && body !== '' ? oneLine(body, MAX_BODY) : `(${oneLine(type, MAX_NAME)})`
}

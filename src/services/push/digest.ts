import { type MailBlock, mailText } from '../../core/mail-text.ts'
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
}

/** Writes it. Nothing that anybody wrote becomes markup, a header, or more than a few lines. */
export const digestMail = ({ to, userId, serverName, events, unsubscribeUrl }: Digest): Mail => {
  const rooms = [...Map.groupBy(events, event => event.roomId).values()]
  const blocks: MailBlock[] = [
    `You have missed ${messages(events.length)} on ${serverName}.`,
    ...rooms.slice(0, MAX_ROOMS).map(roomText),
    ...(rooms.length > MAX_ROOMS ? [`… and in ${rooms.length - MAX_ROOMS} more rooms.`] : []),
    `You get this because ${userId} has asked to be written to about missed messages.`,
    { link: unsubscribeUrl, label: 'Get no more of these' },
  ]
  return {
    to,
    subject: subjectOf(rooms, events.length),
    ...mailText(blocks),
    headers: {
      'List-Unsubscribe': `<${unsubscribeUrl}>`,
      'List-Unsubscribe-Post': 'List-Unsubscribe=One-Click',
    },
  }
}

const messages = (count: number): string => (count === 1 ? 'a message' : `${count} messages`)

const subjectOf = (rooms: readonly (readonly Announced[])[], count: number): string => {
  const [first = []] = rooms
  const [event] = first
  if (event === undefined || rooms.length > 1) return `${messages(count)} in ${rooms.length} rooms`
  const where = event.roomName ?? event.roomAlias
  return where === undefined
    ? `${messages(count)} from ${senderOf(event)}`
    : `${messages(count)} in ${oneLine(where, MAX_NAME)}`
}

const roomText = (events: readonly Announced[]): string => {
  const [first] = events
  if (first === undefined) return ''
  const name = first.roomName ?? first.roomAlias ?? `Conversation with ${senderOf(first)}`
  const hidden = Math.max(events.length - MAX_MESSAGES, 0)
  return [
    oneLine(name, MAX_NAME),
    ...(hidden > 0 ? [`  (${hidden} earlier)`] : []),
    ...events.slice(hidden).map(event => `  ${senderOf(event)}: ${wordsOf(event)}`),
  ].join('\n')
}

const senderOf = ({ sender, senderDisplayName }: Announced): string =>
  oneLine(senderDisplayName ?? sender, MAX_NAME)

const wordsOf = ({ type, content }: Announced): string => {
  if (type === 'm.room.encrypted') return '(an encrypted message)'
  if (type === 'm.call.invite') return '(a call)'
  const { body } = content
  return typeof body === 'string' && body !== '' ? oneLine(body, MAX_BODY) : `(${oneLine(type, MAX_NAME)})`
}

/** One line, without what moves or hides text (control and direction characters). */
const oneLine = (text: string, limit: number): string => {
  const plain = text
    .toWellFormed()
    .replaceAll(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]+/gu, ' ')
    .trim()
  const characters = [...plain]
  return characters.length > limit ? `${characters.slice(0, limit).join('')}…` : plain
}

import { type Api, list, object, text } from '../api.ts'
import { h, machineTime, shownTime } from '../dom.ts'
import type { Room, RoomEvent } from '../room.ts'
import { words } from '../words.ts'
import { attachmentOf, attachmentView } from './attachment.ts'
import { eventText } from './event-text.ts'
import { userPicture } from './picture.ts'

const LINK = /https?:\/\/[^\s<>"]+/g

/** What ends the sentence around an address, and not the address. */
const END = /[.,:;!?'»”’]+$/

/** A text with its addresses as links. */
const linked = (body: string): (Node | string)[] => {
  const parts: (Node | string)[] = []
  let at = 0
  for (const match of body.matchAll(LINK)) {
    let href = match[0].replace(END, '')
    if (href.endsWith(')') && !href.includes('(')) href = href.slice(0, -1)
    parts.push(
      body.slice(at, match.index),
      h('a', { href, rel: 'noopener noreferrer', target: '_blank' }, href),
    )
    at = match.index + href.length
  }
  return [...parts, body.slice(at)]
}

const timeOf = ({ ts }: RoomEvent): HTMLElement => h('time', { datetime: machineTime(ts) }, shownTime(ts))

/** What was said before in the chat of two, which somebody has taken along into this room. */
const quoted = (room: Room, { content, sender, id }: RoomEvent): HTMLElement =>
  h(
    'li',
    { class: 'history', 'data-event': id },
    h('small', {}, words.timeline.quotedBy(room.nameOf(sender))),
    ...list(content['messages']).map(message =>
      h(
        'p',
        {},
        h('strong', {}, room.nameOf(text(message['sender']) ?? '')),
        ' ',
        h('time', {}, shownTime(Number(message['origin_server_ts'] ?? 0))),
        ' ',
        text(object(message['content'])['body']) ?? '',
      ),
    ),
  )

/** What a message answers, or is said below, in one line; `undefined` where it stands for itself. */
const answered = (room: Room, { content }: RoomEvent): string | undefined => {
  const relation = object(content['m.relates_to'])
  const isThread = relation['rel_type'] === 'm.thread'
  const id = isThread ? relation['event_id'] : object(relation['m.in_reply_to'])['event_id']
  if (typeof id !== 'string') return undefined
  const event = room.events.find(each => each.id === id)
  const said = event && eventText(room, event)?.text
  const quote =
    event === undefined || said === undefined ? undefined : `${room.nameOf(event.sender)}: ${said}`
  return isThread ? words.timeline.inThread(quote) : words.timeline.answers(quote)
}

const FOLLOWS_MS = 300_000

/** What the line of an event depends on beside the event: where all of it is the same, so is the line. */
export const lineFacts = (
  room: Room,
  event: RoomEvent,
  before: RoomEvent | undefined,
  reactions: Map<string, Set<string>> | undefined,
): string =>
  JSON.stringify([
    room.nameOf(event.sender),
    room.editOf(event),
    answered(room, event),
    event.isRedacted,
    follows(event, before),
    Array.from(reactions ?? [], ([key, { size }]) => [key, size]),
    new Date().toDateString(),
  ])

/** Said by the same person right after: the name need not be said again. */
const follows = (event: RoomEvent, before: RoomEvent | undefined): boolean =>
  before?.sender === event.sender && before.type === event.type && event.ts - before.ts < FOLLOWS_MS

/** The line of an event in the conversation; `undefined` where nothing is shown of it. */
export const lineOf = (
  api: Api,
  room: Room,
  event: RoomEvent,
  before: RoomEvent | undefined,
  reactions: Map<string, Set<string>> = new Map(),
): HTMLElement | undefined => {
  if (event.type === 'chat.tessera.room.history' && !event.isRedacted) return quoted(room, event)
  const shown = eventText(room, event)
  if (shown === undefined) return undefined
  const { id, sender } = event
  if (shown.isNotice) return h('li', { class: 'notice', 'data-event': id }, shown.text, ' ', timeOf(event))
  const attachment = attachmentOf(event.type, room.editOf(event) ?? event.content)
  const said = attachment === undefined ? shown.text : attachment.caption
  const edited = room.editOf(event) !== undefined
  const reply = answered(room, event)
  return h(
    'li',
    { class: follows(event, before) ? 'message follows' : 'message', 'data-event': id },
    userPicture(api, sender),
    h('div', { class: 'who' }, h('strong', { title: sender }, room.nameOf(sender)), timeOf(event)),
    h(
      'div',
      { class: 'body' },
      reply !== undefined && h('small', { class: 'answered' }, reply),
      attachment && attachmentView(api, attachment),
      said !== undefined && h('span', { dir: 'auto' }, ...linked(said)),
      edited && h('small', {}, ` ${words.timeline.edited}`),
      reactions.size > 0 && reactionList(room, reactions),
    ),
  )
}

const reactionList = (room: Room, reactions: Map<string, Set<string>>): HTMLElement =>
  h(
    'ul',
    { class: 'row reactions', 'aria-label': words.timeline.reactions },
    ...Array.from(reactions, ([key, users]) =>
      h('li', { title: Array.from(users, user => room.nameOf(user)).join(', ') }, `${key} ${users.size}`),
    ),
  )

import { type Api, list, object, path, text } from '../api.ts'
import { h, machineTime, shownTime } from '../dom.ts'
import type { Room, RoomEvent } from '../room.ts'
import { words } from '../words.ts'
import { userPicture } from './picture.ts'

/** What is shown of an event; `undefined`: nothing. */
export const eventText = (room: Room, event: RoomEvent): { text: string; isNotice: boolean } | undefined => {
  const { type, content, stateKey, sender } = event
  const name = room.nameOf(sender)
  const notice = (text: string) => ({ text, isNotice: true })
  if (object(content['m.relates_to'])['rel_type'] === 'm.replace') return undefined
  // The same in words, for clients that do not show quoted history.
  if (content['chat.tessera.fallback'] === 'chat.tessera.room.history') return undefined
  if (event.isRedacted) return type === 'm.room.message' ? notice(words.timeline.deleted) : undefined
  if (type === 'm.room.message') {
    const shown = room.editOf(event) ?? content
    const body = text(shown['body']) ?? ''
    return content['msgtype'] === 'm.emote' ? notice(`${name} ${body}`) : { text: body, isNotice: false }
  }
  if (type === 'm.room.encrypted') return notice(words.timeline.encrypted)
  if (type === 'm.room.create') return notice(words.timeline.made(name))
  if (type === 'm.room.name') return notice(words.timeline.named(name, text(content['name']) ?? ''))
  if (type === 'm.room.topic') return notice(words.timeline.setTopic(name, text(content['topic']) ?? ''))
  if (type === 'm.room.member') return memberText(room, event, stateKey ?? '')
  return undefined
}

const memberText = (room: Room, { content, sender }: RoomEvent, target: string) => {
  const who = text(content['displayname']) ?? room.nameOf(target)
  const by = room.nameOf(sender)
  const { timeline: say } = words
  const what: Record<string, string> = {
    join: say.isHere(who),
    invite: say.invited(by, who),
    leave: target === sender ? say.left(by) : say.removed(by, room.nameOf(target)),
    ban: say.banned(by, room.nameOf(target)),
    knock: say.knocks(who),
  }
  const shown = what[text(content['membership']) ?? '']
  return shown === undefined ? undefined : { text: shown, isNotice: true }
}

const LINK = /https?:\/\/[^\s<>"]+/g

/** A text with its addresses as links. */
const linked = (body: string): (Node | string)[] => {
  const parts: (Node | string)[] = []
  let at = 0
  for (const match of body.matchAll(LINK)) {
    parts.push(
      body.slice(at, match.index),
      h('a', { href: match[0], rel: 'noopener noreferrer', target: '_blank' }, match[0]),
    )
    at = match.index + match[0].length
  }
  return [...parts, body.slice(at)]
}

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

/** The events of one room. Those that are there already keep their elements. */
export class Timeline {
  readonly element: HTMLElement
  readonly #api: Api
  readonly #log = h('ol', { class: 'log', role: 'log', 'aria-label': words.timeline.title, tabindex: 0 })
  readonly #earlier: HTMLButtonElement
  #room: Room | undefined
  readonly #shown = new Map<string, { event: RoomEvent; edit: unknown; item: HTMLElement }>()

  constructor(api: Api, onEarlier: (room: Room) => Promise<void>) {
    this.#api = api
    this.#earlier = h(
      'button',
      {
        class: 'quiet earlier',
        onclick: () => {
          if (this.#room === undefined) return
          this.#earlier.disabled = true
          void onEarlier(this.#room).finally(() => {
            this.#earlier.disabled = false
          })
        },
      },
      words.timeline.earlier,
    )
    this.element = h('div', { class: 'timeline' }, this.#earlier, this.#log)
  }

  show(room: Room): void {
    const { element } = this
    const isOther = room !== this.#room
    const atEnd = isOther || element.scrollHeight - element.scrollTop - element.clientHeight < 60
    const fromEnd = element.scrollHeight - element.scrollTop
    if (isOther) this.#shown.clear()
    this.#room = room
    this.#earlier.hidden = room.before === undefined || room.events[0]?.type === 'm.room.create'
    const items = room.events.flatMap((event, index) => this.#item(room, event, room.events[index - 1]) ?? [])
    if (
      items.length !== this.#log.children.length ||
      items.some((item, index) => this.#log.children[index] !== item)
    ) {
      this.#log.replaceChildren(...items)
      element.scrollTop = atEnd ? element.scrollHeight : element.scrollHeight - fromEnd
    }
  }

  #item(room: Room, event: RoomEvent, before: RoomEvent | undefined): HTMLElement | undefined {
    const edit = room.editOf(event)
    const known = this.#shown.get(event.id)
    if (known?.event === event && known.edit === edit) return known.item
    if (event.type === 'chat.tessera.room.history' && !event.isRedacted) {
      const item = quoted(room, event)
      this.#shown.set(event.id, { event, edit, item })
      return item
    }
    const shown = eventText(room, event)
    if (shown === undefined) return undefined
    const time = h('time', { datetime: machineTime(event.ts) }, shownTime(event.ts))
    const follows =
      before?.sender === event.sender && before.type === event.type && event.ts - before.ts < 300_000
    const item = shown.isNotice
      ? h('li', { class: 'notice', 'data-event': event.id }, shown.text, ' ', time)
      : h(
          'li',
          { class: follows ? 'message follows' : 'message', 'data-event': event.id },
          userPicture(this.#api, event.sender),
          h('div', { class: 'who' }, h('strong', { title: event.sender }, room.nameOf(event.sender)), time),
          h(
            'div',
            { class: 'body' },
            ...linked(shown.text),
            edit !== undefined && h('small', {}, ` ${words.timeline.edited}`),
          ),
        )
    this.#shown.set(event.id, { event, edit, item })
    return item
  }
}

/** Where a page of history is read. */
export const historyPath = (room: Room, from: string): string =>
  `${path`/rooms/${room.id}/messages`}?${new URLSearchParams({ dir: 'b', from, limit: '50' })}`

import type { Api } from '../api.ts'
import { acting, arrange, h } from '../dom.ts'
import type { Room, RoomEvent } from '../room.ts'
import { words } from '../words.ts'
import { lineFacts, lineOf } from './message.ts'

/** So near to its end (pixels), the reader is there, and stays there when more is said. */
const END_PX = 60
/** So near to its beginning, earlier messages are fetched. */
const BEGINNING_PX = 200

interface Line {
  readonly event: RoomEvent
  readonly facts: string
  readonly item: HTMLElement | undefined
}

/** The events of one room. Lines that are there already stay as they are: what is selected in them stays selected. */
export class Timeline {
  readonly element: HTMLElement
  readonly #api: Api
  readonly #log = h('ol', { class: 'log', role: 'log', 'aria-label': words.timeline.title, tabindex: 0 })
  readonly #earlier: HTMLElement
  readonly #onEarlier: (room: Room) => Promise<void>
  #room: Room | undefined
  #isAtEnd = true
  /** How far down the end was when it was last shown. */
  #endTop = 0
  #shown = new Map<string, Line>()

  /** @param after what is shown below the events */
  constructor(api: Api, after: HTMLElement, onEarlier: (room: Room) => Promise<void>) {
    this.#api = api
    this.#onEarlier = onEarlier
    const button = h('button', { class: 'quiet', onclick: () => this.#fetch() }, words.timeline.earlier)
    this.#earlier = h('div', { class: 'earlier' }, button)
    this.element = h('div', { class: 'timeline' }, this.#earlier, this.#log, after)
    this.element.addEventListener('scroll', () => this.#scrolled())
    const watcher = new ResizeObserver(() => this.#stay())
    for (const each of [this.element, this.#log, after]) watcher.observe(each)
  }

  show(room: Room): void {
    const isOther = room !== this.#room
    // The reader may have scrolled up just now, before that was told.
    this.#isAtEnd = isOther || (this.#isAtEnd && this.element.scrollTop > this.#endTop - END_PX)
    if (isOther) this.#shown.clear()
    this.#room = room
    if (this.#isAtEnd) room.trim()
    this.#earlier.hidden = !room.hasEarlier
    const anchor = this.#isAtEnd ? undefined : this.#firstInView()
    arrange(this.#log, this.#items(room))
    this.#stay()
    if (anchor === undefined) return
    const moved = this.#shown.get(anchor.id)?.item?.getBoundingClientRect().top ?? anchor.top
    this.element.scrollTop += moved - anchor.top
  }

  #items(room: Room): HTMLElement[] {
    const reactions = room.reactions()
    const shown = new Map<string, Line>()
    let before: RoomEvent | undefined
    for (const event of room.events) {
      const known = this.#shown.get(event.id)
      const facts = lineFacts(room, event, before, reactions.get(event.id))
      const isSame = known?.event === event && known.facts === facts
      const item = isSame ? known.item : lineOf(this.#api, room, event, before, reactions.get(event.id))
      shown.set(event.id, { event, facts, item })
      if (item !== undefined) before = event
    }
    this.#shown = shown
    return [...shown.values()].flatMap(({ item }) => item ?? [])
  }

  /** The first event before the reader's eyes, and how far down that is. */
  #firstInView(): { id: string; top: number } | undefined {
    const { top } = this.element.getBoundingClientRect()
    for (const [id, { item }] of this.#shown) {
      const place = item?.getBoundingClientRect()
      if (place !== undefined && place.bottom > top) return { id, top: place.top }
    }
    return undefined
  }

  /** At the end, where the reader is there. */
  #stay(): void {
    if (!this.#isAtEnd) return
    this.element.scrollTop = this.element.scrollHeight
    this.#endTop = this.element.scrollTop
  }

  #scrolled(): void {
    const { scrollHeight, scrollTop, clientHeight } = this.element
    this.#isAtEnd = scrollHeight - scrollTop - clientHeight < END_PX
    if (!this.#isAtEnd && scrollTop < BEGINNING_PX && this.#room?.hasEarlier) this.#fetch()
  }

  #fetch(): void {
    const room = this.#room
    if (room !== undefined) acting(this.#earlier, () => this.#onEarlier(room))
  }
}

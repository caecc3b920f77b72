import type { Api } from '../api.ts'
import { acting, arrange, h } from '../dom.ts'
import type { Room, RoomEvent } from '../room.ts'
import { words } from '../words.ts'
import { lineFacts, lineOf } from './message.ts'

/** So near to its end (pixels), the reader is there, and stays there when more is said. */
const END_PX = 60
/** So near to its beginning, earlier messages are fetched. */
const BEGINNING_PX = 200
/** So many pages of history are looked through for what has been read: at once, and where the reader asks for it. */
const PAGES_AT_ONCE = 4
const MOST_PAGES = 20

interface Line {
  readonly event: RoomEvent
  readonly facts: string
  readonly item: HTMLElement | undefined
}

/** A button over the conversation that leads elsewhere in it. */
const jump = (to: 'up' | 'down', label: string, act: () => void): HTMLElement =>
  h('div', { class: `jump ${to}`, hidden: true }, h('button', { class: 'small', onclick: act }, label))

/** What the timeline needs of others. */
interface TimelineParts {
  readonly api: Api
  /** Shown below the events. */
  readonly after: HTMLElement
  /** Fetches earlier events of a room. */
  onEarlier(room: Room): Promise<void>
  /** The reader has come to the end. */
  onEnd(): void
}

/** The events of one room. Lines that are there already stay as they are: what is selected in them stays selected. */
export class Timeline {
  readonly element: HTMLElement
  readonly #parts: TimelineParts
  readonly #log = h('ol', { class: 'log', role: 'log', 'aria-label': words.timeline.title, tabindex: 0 })
  readonly #earlier: HTMLElement
  readonly #news = h('li', { class: 'news' }, words.timeline.news)
  readonly #toUnread = jump('up', words.timeline.toUnread, () => this.#askForUnread())
  readonly #toEnd = jump('down', words.timeline.toEnd, () => this.#askForEnd())
  #room: Room | undefined
  /** Up to where the reader had read when they came. */
  #readUpTo: string | undefined
  #isAtEnd = true
  /** What has been read is looked for: wherever the reader is meanwhile, they have not come to the end. */
  #isSeeking = false
  /** How far down the end was when it was last shown. */
  #endTop = 0
  #shown = new Map<string, Line>()

  constructor(parts: TimelineParts) {
    this.#parts = parts
    const { after } = parts
    const button = h('button', { class: 'quiet', onclick: () => this.#fetch() }, words.timeline.earlier)
    this.#earlier = h('div', { class: 'earlier' }, button)
    this.element = h(
      'div',
      { class: 'timeline' },
      this.#toUnread,
      this.#earlier,
      this.#log,
      after,
      this.#toEnd,
    )
    this.element.addEventListener('scroll', () => this.#scrolled())
    const watcher = new ResizeObserver(() => this.#stay())
    for (const each of [this.element, this.#log, after]) watcher.observe(each)
  }

  /** Whether the newest is before the reader's eyes. */
  get isAtEnd(): boolean {
    return this.#isAtEnd
  }

  show(room: Room): void {
    const isOther = room !== this.#room
    if (isOther || document.hidden) this.#readUpTo = room.unread > 0 ? room.readUpTo : undefined
    // The reader may have scrolled up just now, before that was told.
    this.#isAtEnd = isOther || (this.#isAtEnd && this.element.scrollTop > this.#endTop - END_PX)
    if (isOther) this.#leaveRoom()
    this.#room = room
    if (this.#isAtEnd) room.trim()
    this.#earlier.hidden = !room.hasEarlier
    const anchor = this.#isAtEnd ? undefined : this.#firstInView()
    arrange(this.#log, this.#items(room))
    this.#stay()
    if (isOther) this.#begin()
    if (anchor !== undefined) {
      const moved = this.#shown.get(anchor.id)?.item?.getBoundingClientRect().top ?? anchor.top
      this.element.scrollTop += moved - anchor.top
    }
    this.#offerJumps()
  }

  get #isReadKnown(): boolean {
    return this.#room?.events.some(({ id }) => id === this.#readUpTo) === true
  }

  /** What the reader had read is further back than what has been fetched. */
  get #isReadFarBack(): boolean {
    return this.#readUpTo !== undefined && !this.#isReadKnown && this.#room?.hasEarlier === true
  }

  #offerJumps(): void {
    this.#toUnread.hidden = !this.#isReadFarBack
    this.#toEnd.hidden = this.#isAtEnd
  }

  /** What is under way for the room that was shown until now, or has failed there, is nothing to the next one. */
  #leaveRoom(): void {
    this.#shown.clear()
    this.#isSeeking = false
    this.#earlier.removeAttribute('aria-busy')
    this.#earlier.querySelector(':scope > [role=alert]')?.remove()
  }

  /** Begins with what is new, where that is more than there is room for. */
  #begin(): void {
    if (this.#isReadFarBack) this.#acting(room => this.#seekRead(room, PAGES_AT_ONCE))
    else this.#showUnread()
  }

  #showUnread(): void {
    if (!this.#news.isConnected) return
    this.#isAtEnd = false
    this.#news.scrollIntoView()
    this.#noteEnd()
  }

  /** Fetches what came before, until it is known what the reader had read; shows what is new since, unless they leave. */
  async #seekRead(room: Room, mostPages: number): Promise<boolean> {
    // Who is at the end has what is far from it let go.
    this.#isAtEnd = false
    this.#isSeeking = true
    this.element.scrollTop = 0
    const isOn = (): boolean => room === this.#room && this.#isSeeking
    try {
      for (let page = 0; page < mostPages && isOn() && this.#isReadFarBack; page++)
        await this.#parts.onEarlier(room)
      return isOn()
    } finally {
      if (isOn()) {
        this.#isSeeking = false
        this.#showUnread()
        this.#scrolled()
      }
    }
  }

  #askForUnread(): void {
    this.#acting(async room => {
      if (!(await this.#seekRead(room, MOST_PAGES))) return
      // It is nowhere to be found, or far too long ago.
      if (!this.#isReadKnown) this.#readUpTo = undefined
      this.#offerJumps()
      this.#log.focus()
    })
  }

  /** To the newest, wherever the reader is. */
  goToEnd(): void {
    this.#isSeeking = false
    this.#isAtEnd = true
    this.#stay()
    this.#scrolled()
  }

  #askForEnd(): void {
    this.goToEnd()
    this.#log.focus({ preventScroll: true })
  }

  #items(room: Room): HTMLElement[] {
    const reactions = room.reactions()
    const shown = new Map<string, Line>()
    const items: HTMLElement[] = []
    const own = this.#parts.api.session?.userId
    /** What comes now is new to the reader. */
    let isNew = false
    let before: RoomEvent | undefined
    for (const event of room.events) {
      const known = this.#shown.get(event.id)
      const isFirstNew = isNew && event.sender !== own && !items.includes(this.#news)
      // What is new begins with a name.
      if (isFirstNew) before = undefined
      const facts = lineFacts(room, event, before, reactions.get(event.id))
      const isSame = known?.event === event && known.facts === facts
      const item = isSame ? known.item : lineOf(this.#parts.api, room, event, before, reactions.get(event.id))
      shown.set(event.id, { event, facts, item })
      if (item !== undefined) {
        if (isFirstNew) items.push(this.#news)
        items.push(item)
        before = event
      }
      isNew ||= event.id === this.#readUpTo
    }
    this.#shown = shown
    return items
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

  #noteEnd(): void {
    const { scrollHeight, scrollTop, clientHeight } = this.element
    this.#isAtEnd = !this.#isSeeking && scrollHeight - scrollTop - clientHeight < END_PX
  }

  #scrolled(): void {
    this.#noteEnd()
    this.#offerJumps()
    if (this.#isAtEnd) this.#parts.onEnd()
    else if (this.element.scrollTop < BEGINNING_PX && this.#room?.hasEarlier) this.#fetch()
  }

  #fetch(): void {
    this.#acting(room => this.#parts.onEarlier(room))
  }

  /** Does something with the room; where that fails once another is shown, nothing is said there. */
  #acting(act: (room: Room) => Promise<unknown>): void {
    const room = this.#room
    if (room === undefined) return
    const isElsewhere = (error: unknown): void => {
      if (room === this.#room) throw error
    }
    acting(this.#earlier, () => act(room).catch(isElsewhere))
  }
}

import { harmless } from './names.ts'
import type { Occasion } from './occasion.ts'

/** What an element may be given: properties, `on…` listeners, and `aria-…`, `data-…` and other attributes. */
type Attributes = Readonly<Record<string, string | number | boolean | undefined | ((event: never) => void)>>
type Child = Node | string | undefined | false

/** Makes an element. Texts become harmless text nodes, so that nothing of what people write is ever HTML. */
export const h = <Name extends keyof HTMLElementTagNameMap>(
  name: Name,
  attributes: Attributes = {},
  ...children: readonly Child[]
): HTMLElementTagNameMap[Name] => {
  const element = document.createElement(name)
  for (const [key, value] of Object.entries(attributes)) {
    if (value === undefined || value === false) continue
    if (typeof value === 'function') element.addEventListener(key.slice(2), value as EventListener)
    else element.setAttribute(key, value === true ? '' : String(value))
  }
  const shown = children.filter(child => child !== undefined && child !== false)
  element.append(...shown.map(child => (typeof child === 'string' ? harmless(child) : child)))
  return element
}

/** Facts in a row, those that are there; each in its own direction of writing. */
export const facts = (...texts: readonly (string | undefined)[]): Child[] =>
  texts
    .filter(text => text !== undefined && text !== '')
    .flatMap((text, index) => [index > 0 && ' · ', h('bdi', {}, text)])

/**
 * Shows these elements in this order. Those that are there stay as they are unless they have to move, so that the focus in
 * one of them stays; if it goes, what takes its place has the focus.
 */
export const arrange = (parent: HTMLElement, elements: readonly HTMLElement[]): void => {
  const before = [...parent.children]
  const focused = before.findIndex(child => child.contains(document.activeElement))
  const shown = new Set<Element>(elements)
  for (const child of before) if (!shown.has(child)) child.remove()
  elements.forEach((element, index) => {
    const there = parent.children[index] ?? null
    if (there !== element) parent.insertBefore(element, there)
  })
  if (focused >= 0 && !parent.contains(document.activeElement))
    elements[Math.min(focused, elements.length - 1)]?.querySelector('button')?.focus()
}

/** Runs what a button or form does, once at a time, and shows what goes wrong beside it. */
export const acting = (element: HTMLElement, act: () => Promise<unknown>): void => {
  if (element.hasAttribute('aria-busy')) return
  element.setAttribute('aria-busy', 'true')
  element.querySelector(':scope > [role=alert]')?.remove()
  act()
    .catch((error: unknown) => {
      const message = error instanceof Error ? error.message : String(error)
      element.append(h('p', { role: 'alert' }, message))
    })
    .finally(() => element.removeAttribute('aria-busy'))
}

/** A time for people: the hour of today, the date of other days, with the year where that is another. */
export const shownTime = (ts: number): string => {
  const date = new Date(ts)
  const isToday = date.toDateString() === new Date().toDateString()
  const clock = { hour: '2-digit', minute: '2-digit' } as const
  if (isToday) return date.toLocaleTimeString([], clock)
  const isThisYear = date.getFullYear() === new Date().getFullYear()
  const year = isThisYear ? undefined : 'numeric'
  return date.toLocaleDateString([], { day: 'numeric', month: 'short', year, ...clock })
}

/** From when to when something is. */
export const shownSpan = ({ start, end }: Occasion): string =>
  end === undefined ? shownTime(start) : `${shownTime(start)} – ${shownTime(end)}`

/** A time for programs; `undefined` where what another server gives as one is none, or beyond all calendars. */
export const machineTime = (ts: number): string | undefined => {
  const date = new Date(ts)
  return Number.isNaN(date.getTime()) ? undefined : date.toISOString()
}

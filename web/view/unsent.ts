import { arrange, h } from '../dom.ts'
import type { Outbox, Unsent } from '../outbox.ts'
import { words } from '../words.ts'

/** What the user has said and the server has not taken yet, below the conversation. Answers what shows that of a room. */
export const unsentView = (outbox: Outbox): { element: HTMLElement; show: (roomId: string) => void } => {
  const element = h('ol', { class: 'unsent', 'aria-label': words.unsent.title, 'aria-live': 'polite' })
  let shown = new Map<Unsent, HTMLElement>()
  return {
    element,
    show: roomId => {
      shown = new Map(
        outbox.of(roomId).map(unsent => [unsent, shown.get(unsent) ?? unsentItem(outbox, unsent)]),
      )
      element.hidden = shown.size === 0
      arrange(element, [...shown.values()])
    },
  }
}

const unsentItem = (outbox: Outbox, unsent: Unsent): HTMLElement =>
  h(
    'li',
    {},
    h('div', { class: 'body' }, unsent.body),
    unsent.problem === undefined
      ? h('small', {}, words.unsent.waits)
      : h(
          'div',
          { class: 'row' },
          h('p', { role: 'alert' }, unsent.problem),
          h('button', { class: 'quiet', onclick: () => outbox.again(unsent) }, words.unsent.again),
          h('button', { class: 'quiet', onclick: () => outbox.discard(unsent) }, words.unsent.discard),
        ),
  )

import { type Api, object, path, text } from '../api.ts'
import { h } from '../dom.ts'
import { keep, kept } from '../kept.ts'
import type { Outbox } from '../outbox.ts'
import type { Room } from '../room.ts'
import type { Store } from '../store.ts'
import { words } from '../words.ts'

/** For so long others are told that the user types, without another key. */
const TYPING_MS = 10_000

const NAME = 'drafts'

/**
 * The line to say something. What was begun in a room waits there until the user comes back to it.
 *
 * @param onSaid is called when something was said, which is last in the conversation
 */
export const composerView = (api: Api, store: Store, outbox: Outbox, onSaid: () => void) => {
  const input = h('textarea', {
    rows: 1,
    dir: 'auto',
    'aria-label': words.room.message,
    placeholder: words.room.message,
    enterkeyhint: 'send',
  })
  const button = h('button', { type: 'submit' }, words.room.send)
  const form = h('form', { class: 'composer' }, input, button)
  const drafts = new Map(Object.entries(object(kept(NAME, store.userId))))
  let open = ''
  let typedAt = 0
  const tellTyping = (isTyping: boolean): void => {
    if (isTyping && Date.now() - typedAt < TYPING_MS / 2) return
    typedAt = isTyping ? Date.now() : 0
    void api
      .put(path`/rooms/${open}/typing/${store.userId}`, {
        typing: isTyping,
        ...(isTyping ? { timeout: TYPING_MS } : {}),
      })
      .catch(() => undefined)
  }
  const keepDraft = (): void => {
    if (input.value === '') drafts.delete(open)
    else drafts.set(open, input.value)
    keep(NAME, store.userId, Object.fromEntries(drafts))
  }
  /** Clears the line at once, so that the next message can be written. */
  const send = (): void => {
    const body = input.value.trim()
    if (body === '' || input.disabled) return
    input.value = ''
    keepDraft()
    outbox.add(open, body)
    onSaid()
    tellTyping(false)
  }
  input.addEventListener('input', () => {
    keepDraft()
    tellTyping(input.value !== '')
  })
  input.addEventListener('keydown', event => {
    if (event.key !== 'Enter' || event.shiftKey || event.isComposing) return
    event.preventDefault()
    send()
  })
  form.addEventListener('submit', event => {
    event.preventDefault()
    send()
  })
  return {
    element: form,
    /** To be told of each change of the room, which may become encrypted while it is open. */
    show: (room: Room): void => {
      input.disabled = button.disabled = room.isEncrypted
      input.placeholder = room.isEncrypted ? words.room.cannotRead : words.room.message
      if (room.id === open) return
      open = room.id
      typedAt = 0
      input.value = text(drafts.get(open)) ?? ''
    },
  }
}

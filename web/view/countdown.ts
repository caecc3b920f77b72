import { h, shownTime } from '../dom.ts'
import { words } from '../words.ts'

const SECOND = 1000
const MINUTE = 60 * SECOND
const HOUR = 60 * MINUTE
const DAY = 24 * HOUR

const units = [
  { unit: 'day', from: 2 * DAY, size: DAY },
  { unit: 'hour', from: HOUR, size: HOUR },
  { unit: 'minute', from: MINUTE, size: MINUTE },
  { unit: 'second', from: 0, size: SECOND },
] as const

/** How much time is left in whole units, no more than there is, and after how long (ms) that is no longer so. */
export const timeLeft = (ms: number): { value: number; unit: Intl.RelativeTimeFormatUnit; lasts: number } => {
  const { unit, size } = units.find(({ from }) => ms >= from) ?? units[3]
  return { value: Math.floor(ms / size), unit, lasts: (ms % size) + 1 }
}

/** Browsers take a longer time for none. */
const LONGEST_TIMER_MS = HOUR

/** Says until when something is, and how long that is yet, for as long as it is on the page. */
export const countdown = (until: number): HTMLElement => {
  const element = h('small', { role: 'timer' })
  const format = new Intl.RelativeTimeFormat(words.lang)
  const tick = (): void => {
    const left = until - Date.now()
    element.classList.toggle('over', left <= 0)
    if (left <= 0) {
      element.textContent = words.inbox.isOver
      return
    }
    const { value, unit, lasts } = timeLeft(left)
    element.textContent = `${words.inbox.until(shownTime(until))} · ${format.format(value, unit)}`
    setTimeout(() => element.isConnected && tick(), Math.min(lasts, LONGEST_TIMER_MS))
  }
  tick()
  return element
}

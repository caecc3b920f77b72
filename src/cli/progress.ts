import type { Host } from './host.ts'

/** How far something long is. */
export interface LongWork {
  readonly phase: string
  readonly table: string
  readonly rows: number
  readonly total: number | undefined
}

const PHASES: Readonly<Record<string, string>> = {
  copy: 'copying',
  compare: 'comparing',
  index: 'indexing',
  import: 'importing',
}
/** On a terminal the line is drawn anew this often; elsewhere a line is written rarely. Milliseconds. */
const EVERY_MS = { terminal: 100, elsewhere: 10_000 }
const WIDTH = 24

/** A line on standard error that shows how far something is, and on a terminal, for how long it will go on. */
export const progressLine = (
  host: Host,
  now: () => number = Date.now,
): { show(work: LongWork): void; end(): void } => {
  const isTerminal = host.stderr.isTTY === true
  const every = isTerminal ? EVERY_MS.terminal : EVERY_MS.elsewhere
  let begun = now()
  let phase = ''
  let shownAt = now()
  let isOpen = false
  return {
    show: work => {
      if (work.phase !== phase) {
        phase = work.phase
        begun = now()
      }
      if (now() - shownAt < every) return
      shownAt = now()
      host.stderr.write(
        isTerminal ? `\r\u001B[K${lineOf(work, now() - begun)}` : `${lineOf(work, now() - begun)}\n`,
      )
      isOpen = isTerminal
    },
    end: () => {
      if (isOpen) host.stderr.write('\r\u001B[K')
      isOpen = false
    },
  }
}

const lineOf = ({ phase, table, rows, total }: LongWork, elapsedMs: number): string => {
  const what = `${PHASES[phase] ?? phase} ${table}`
  if (total === undefined || total === 0) return `${what}: ${rows} rows`
  const part = Math.min(1, rows / total)
  const bar = '█'.repeat(Math.round(part * WIDTH)).padEnd(WIDTH, '░')
  const left = part > 0.01 ? `, ${duration((elapsedMs / part) * (1 - part))} left` : ''
  return `${bar} ${Math.floor(part * 100)} %  ${what}, ${rows} of ${total} rows${left}`
}

const duration = (ms: number): string => {
  const seconds = Math.ceil(ms / 1000)
  return seconds < 60 ? `${seconds} s` : `${Math.floor(seconds / 60)} min ${seconds % 60} s`
}

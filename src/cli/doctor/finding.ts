/** `SKIP`: could not be found out, or does not matter here. */
export type Verdict = 'OK' | 'WARN' | 'FAIL' | 'SKIP'

/** What a check has found. */
export interface Finding {
  readonly verdict: Verdict
  /** What was looked at, in a word or two. */
  readonly subject: string
  readonly message: string
  /** What to do about it; on every `WARN` and `FAIL`. */
  readonly fix?: string
}

export const ok = (subject: string, message: string): Finding => ({ verdict: 'OK', subject, message })
export const skip = (subject: string, message: string): Finding => ({ verdict: 'SKIP', subject, message })
export const warn = (subject: string, message: string, fix: string): Finding => ({
  verdict: 'WARN',
  subject,
  message,
  fix,
})
export const fail = (subject: string, message: string, fix: string): Finding => ({
  verdict: 'FAIL',
  subject,
  message,
  fix,
})

/** What an error says, with the reasons below it, which are what helps. */
export const explain = (error: unknown): string => {
  if (!(error instanceof Error)) return String(error)
  const inner =
    error instanceof AggregateError ? error.errors : error.cause === undefined ? [] : [error.cause]
  const code = 'code' in error ? String(error.code) : ''
  const own = error.message === '' ? code : error.message
  const reasons = inner.map(explain).filter(reason => reason !== '' && !own.includes(reason))
  return [own, ...new Set(reasons)].filter(text => text !== '').join(': ')
}

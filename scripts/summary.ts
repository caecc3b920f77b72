import { stripVTControlCharacters } from 'node:util'

/**
 * Reads ava's output for how many tests passed and failed. Its summary counts what passed only where nothing failed, so
 * the marks of the single tests are counted. Whatever else made it end with an error (a file without tests, a
 * time-out) is a failure as well, and so is a run of no tests at all.
 */
export const summarize = (output: string, exitCode: number): { passed: number; failed: number } => {
  const lines = stripVTControlCharacters(output).split('\n')
  const passed = lines.filter(line => /^ {2}✔ /.test(line)).length
  const failures = lines
    .map(line => FAILURES.exec(line))
    .reduce((sum, match) => sum + Number(match?.[1] ?? 0), 0)
  return { passed, failed: passed === 0 || exitCode !== 0 ? Math.max(1, failures) : failures }
}

const FAILURES =
  /^ {2}(\d+) (?:(?:tests?|hooks?) failed|uncaught exceptions?|unhandled rejections?|tests? remained pending after a timeout)$/

import { readFileSync } from 'node:fs'

/** The version of the program: from `package.json`, which lies one folder deeper below `dist` than below `src`. */
export const programVersion = (): string => {
  for (const place of ['../../package.json', '../../../package.json']) {
    try {
      const { name, version } = JSON.parse(readFileSync(new URL(place, import.meta.url), 'utf8'))
      if (name === 'tessera') return String(version)
    } catch {
      // Not there: look one folder higher.
    }
  }
  return 'unknown'
}

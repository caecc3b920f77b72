import type { ImportReport } from '../services/synapse-import/run.ts'

/** What is never moved, whatever there is of it. */
const NEVER = [
  'copies of files of other servers, and thumbnails: they are fetched and made anew',
  'previews of links, presence, typing',
  'device lists of users of other servers: they are asked for anew',
  'sign-ins that were under way, OpenID tokens, validations of e-mail addresses',
]

/** What an import has come to, as it is printed. */
export const importReport = ({ came, left }: ImportReport): string =>
  [
    'What came over:',
    ...lines([...came].map(([what, count]) => `${count} ${what}`)),
    ...(left.size === 0
      ? []
      : ['What did not:', ...lines([...left].map(([why, count]) => `${count} × ${why}`))]),
    'Never moved:',
    ...lines(NEVER),
    '',
  ].join('\n')

const lines = (texts: readonly string[]): string[] => texts.map(text => `  ${text}`)

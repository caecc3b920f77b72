/**
 * Text as searches compare it: compatibility forms made one (full-width letters, ligatures), letter case gone. The
 * same on both databases, since neither's own idea of case or words is asked.
 */
export const foldText = (text: string): string => text.normalize('NFKC').toLowerCase()

/** The words of a search term that is looked for by substring, folded; at most `limit`, the rest says too little. */
export const searchWords = (term: string, limit: number): string[] =>
  foldText(term)
    .split(/\s+/)
    .filter(word => word !== '')
    .slice(0, limit)

/** A `LIKE` pattern (with `ESCAPE '!'`) that finds a folded word anywhere. */
export const containing = (word: string): string => `%${word.replaceAll(/[!%_]/g, '!$&')}%`

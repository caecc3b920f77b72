/**
 * Text as searches compare it: compatibility forms made one (full-width letters, ligatures), letter case gone. The
 * same on both databases, since neither's own idea of case or words is asked.
 */
export const foldText = (text: string): string =>
  (ASCII.test(text) ? text : text.normalize('NFKC')).toLowerCase()

/** What normalising leaves as it is: it costs more than looking. */
const ASCII = /^\p{ASCII}*$/u

/** The words of a search term that is looked for by substring, folded; at most `limit`, the rest says too little. */
export const searchWords = (term: string, limit: number): string[] =>
  foldText(term)
    .split(/\s+/)
    .filter(word => word !== '')
    .slice(0, limit)

/** A `LIKE` pattern (with `ESCAPE '!'`) that finds a folded word anywhere. */
export const containing = (word: string): string => `%${word.replaceAll(/[!%_]/g, '!$&')}%`

/**
 * Scripts that put no space between words (or, as Korean does, hang particles onto them). Each character is a token of
 * its own there, and what is looked for is a row of them: so everything is found by every part of it. A dictionary
 * (`Intl.Segmenter`) would find 東京 in 東京都 but not 京都, and would cut differently with every version of ICU.
 */
const UNSPACED = String.raw`[\p{scx=Han}\p{scx=Hira}\p{scx=Kana}\p{scx=Hang}\p{scx=Thai}\p{scx=Lao}\p{scx=Khmer}\p{scx=Myanmar}\p{scx=Tibetan}]`
const TOKEN = new RegExp(
  String.raw`[[\p{L}\p{N}]&&${UNSPACED}]\p{M}*|[[\p{L}\p{N}\p{M}]--${UNSPACED}]+|\p{Extended_Pictographic}`,
  'gv',
)

/** Longer tokens (keys, encoded files) count as their beginnings. */
const MAX_TOKEN = 100
/** Of one text. */
const MAX_TOKENS = 10_000

/**
 * The tokens of a text, for full-text search: words of letters and digits in scripts that have spaces, characters in
 * those that have none, and pictographs. They hold nothing that a database's query language could mistake for its own.
 */
export const searchTokens = (text: string): string[] =>
  (foldText(text).match(TOKEN) ?? []).slice(0, MAX_TOKENS).map(token => token.slice(0, MAX_TOKEN))

const ONE_CHARACTER = new RegExp(String.raw`^${UNSPACED}\p{M}*$`, 'v')

/** Whether a token is a character of a script without spaces, which belongs to its neighbours. */
export const isCharacterToken = (token: string): boolean => ONE_CHARACTER.test(token)

/** Phrases of one search, and tokens of one phrase. */
const MAX_PHRASES = 20
const MAX_PHRASE = 50

/**
 * What a search term asks for: every phrase, each a row of tokens. Words stand alone; what is in quotation marks, or
 * has no space in it (`foo-bar`, 東京), belongs together.
 */
export const searchPhrases = (term: string): string[][] =>
  [...term.matchAll(/"([^"]*)"|[^\s"]+/g)]
    .map(([whole, quoted]) => searchTokens(quoted ?? whole).slice(0, MAX_PHRASE))
    .filter(tokens => tokens.length > 0)
    .slice(0, MAX_PHRASES)

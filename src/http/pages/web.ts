import { createHash } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { stripTypeScriptTypes } from 'node:module'
import { extname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { gzipSync } from 'node:zlib'
import type { PageContext, Pages } from '../pages.ts'

/** Beside the sources in a checkout, and beside the compiled program in `dist`. */
const DIRECTORY = fileURLToPath(new URL('../../../web', import.meta.url))

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.ts': 'text/javascript; charset=utf-8',
}

/** Only its own scripts and styles, this server, and pictures and sounds that it has fetched. */
const POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "connect-src 'self'",
  'img-src blob: data:',
  'media-src blob:',
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ')

const HEADERS = {
  'Content-Security-Policy': POLICY,
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Referrer-Policy': 'no-referrer',
  'X-Content-Type-Options': 'nosniff',
  'Cache-Control': 'no-cache',
}

interface WebFile {
  readonly type: string
  readonly text: Buffer
  readonly zipped: Buffer
  readonly tag: string
}

/**
 * Adds `/`, the page for people who open this server's address in a browser (`web/README.md`), and its files under
 * `/web/`. They are read, and from a checkout freed of their types, when the first of them is asked for.
 */
export const addWebPage = (pages: Pages): void => {
  let files: ReadonlyMap<string, WebFile> | undefined
  const send = (context: PageContext, name: string): void => {
    files ??= readFiles()
    const file = files.get(name)
    if (file === undefined) return
    context.set({ ...HEADERS, ETag: file.tag, Vary: 'Accept-Encoding' })
    context.type = file.type
    context.status = 200
    if (context.fresh) {
      context.status = 304
      return
    }
    const isZipped = context.acceptsEncodings('gzip', 'identity') === 'gzip'
    if (isZipped) context.set('Content-Encoding', 'gzip')
    context.body = isZipped ? file.zipped : file.text
  }
  pages.get('/', async context => send(context, 'index.html'))
  pages.get('/web/:file', async context => send(context, context.params['file'] ?? ''))
  pages.get('/web/view/:file', async context => send(context, `view/${context.params['file']}`))
}

const COMMENTS = /^\s*(\/\*\*(?:(?!\*\/).)*\*\/|\/\/[^\n]*)$/gms

/** Types leave blanks behind: a third of some files. No text of the page goes over several lines, or begins one. */
const withoutTypes = (source: string): string =>
  stripTypeScriptTypes(source)
    .replace(COMMENTS, '')
    .replace(/[ \t]*\n\s*\n/g, '\n')

const readFiles = (): ReadonlyMap<string, WebFile> => {
  const names = readdirSync(DIRECTORY, { recursive: true, encoding: 'utf8' })
    .map(name => name.replaceAll('\\', '/'))
    .filter(name => extname(name) in TYPES && !name.endsWith('.test.ts'))
  const module = names.includes('main.ts') ? 'main.ts' : 'main.js'
  return new Map(
    names.map(name => {
      const source = readFileSync(join(DIRECTORY, name), 'utf8')
      const text = Buffer.from(
        name.endsWith('.ts') ? withoutTypes(source) : source.replace('main.MODULE', module),
      )
      const tag = `"${createHash('sha256').update(text).digest('base64url').slice(0, 16)}"`
      return [name, { type: TYPES[extname(name)] ?? '', text, zipped: gzipSync(text), tag }]
    }),
  )
}

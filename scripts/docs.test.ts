import { existsSync, globSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import test from 'ava'

/** Texts for people: what they name has to be there, after years of renaming, too. */
const ROOT = join(import.meta.dirname, '..')

const find = (patterns: readonly string[]): string[] =>
  globSync(patterns, { cwd: ROOT, exclude: path => path === 'node_modules' || path.startsWith('.') })

const texts = find(['*.md', 'docs/*.md', 'src/**/*.md', 'bench/*.md', 'federation-tests/*.md'])
const sources = find([
  '{src,scripts,bench,bin,migrations,federation-tests,api-spec,web,contrib}/**/*.*',
  '*.*',
])

/** Without blocks of code, whose paths are the reader's. */
const proseOf = (text: string): string =>
  readFileSync(join(ROOT, text), 'utf8').replaceAll(/^ *```.*?^ *```/gms, '')

/** As GitHub calls a heading in a link. */
const anchorOf = (heading: string): string =>
  heading
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N}_ -]/gu, '')
    .replaceAll(' ', '-')

const anchorsOf = (text: string): string[] =>
  [...proseOf(text).matchAll(/^#+ (.+)$/gm)].map(([, heading]) => anchorOf(heading ?? ''))

test('source files that texts name are there', t => {
  t.true(texts.length > 30 && sources.length > 1_000)
  const missing = texts.flatMap(text =>
    [...proseOf(text).matchAll(/`(?:\.\.\/)*([\w./-]+\.ts)`/g)]
      .map(([, name]) => `/${name}`)
      .filter(name => !sources.some(source => `/${source}`.endsWith(name)))
      .map(name => `${text}: ${name.slice(1)}`),
  )
  t.deepEqual(missing, [])
})

test('links lead somewhere', t => {
  const broken = texts.flatMap(text =>
    [...proseOf(text).matchAll(/\]\((?!https?:)([^)#\s]*)(?:#([^)\s]+))?\)/g)]
      .filter(([, path, anchor]) => {
        const target = path ? join(dirname(text), path) : text
        if (!existsSync(join(ROOT, target))) return true
        return anchor !== undefined && !anchorsOf(target).includes(anchor)
      })
      .map(([link]) => `${text}: ${link}`),
  )
  t.deepEqual(broken, [])
})

import { readFileSync } from 'node:fs'
import { SourceMap, type SourceMapPayload } from 'node:module'
import { fileURLToPath } from 'node:url'

/** A place in a file, as a line of a stack names it. */
const PLACE = /file:\/\/[^\s()]+?\.js:\d+:\d+/g

/**
 * The stack of an error that was thrown from a bundle (`npm start`, scripts/bundle.ts), with the places in the sources instead. Maps are
 * read when the first stack is to be shown, and forgotten when memory is wanted: on a quiet server they would take more than the code.
 */
export const createSourcePositions = (): ((stack: string) => string) => {
  const maps = new Map<string, WeakRef<SourceMap>>()
  const mapOf = (file: string): SourceMap | undefined => {
    const known = maps.get(file)?.deref()
    if (known !== undefined) return known
    try {
      const text = readFileSync(`${fileURLToPath(file)}.map`, 'utf8')
      const map = new SourceMap(JSON.parse(text) as SourceMapPayload)
      maps.set(file, new WeakRef(map))
      return map
    } catch {
      return undefined
    }
  }
  return stack => stack.replaceAll(PLACE, place => sourceOf(place, mapOf) ?? place)
}

const sourceOf = (place: string, mapOf: (file: string) => SourceMap | undefined): string | undefined => {
  const [, file = '', line, column] = /^(.*):(\d+):(\d+)$/.exec(place) ?? []
  const found = mapOf(file)?.findEntry(Number(line) - 1, Number(column) - 1)
  if (found === undefined || !('originalSource' in found)) return undefined
  const source = new URL(found.originalSource, file).href
  return `${source}:${found.originalLine + 1}:${found.originalColumn + 1}`
}

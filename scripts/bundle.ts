import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'

/**
 * Puts the sources of the server together into few files, unless that has been done since they last changed, and prints where
 * the program begins in them: `npm start` runs that. A thousand modules take 14 MB more than one, and a quarter of a second of
 * each start. Where it cannot be done (rolldown is not installed, nothing can be written) it prints nothing, and the
 * sources run as they are.
 */
const ROOT = join(import.meta.dirname, '..')
const CACHE = join(ROOT, 'node_modules/.cache/bundle')
/** What a bundle is made of. */
const SOURCES = ['src', 'migrations', 'package.json', 'package-lock.json', 'scripts/bundle.ts']
/** Where the process begins, and its threads. */
const ENTRIES = {
  main: 'src/main.ts',
  'writer-worker': 'src/storage/writer-worker.ts',
  'reader-worker': 'src/storage/reader-worker.ts',
  'verify-worker': 'src/services/federation/verify-worker.ts',
  'resolve-worker': 'src/services/rooms/resolve-worker.ts',
}

/** Another one as soon as any of the sources has changed. */
const fingerprint = (): string => {
  const hash = createHash('sha256')
  const add = (path: string): void => {
    const stat = statSync(join(ROOT, path))
    if (stat.isDirectory()) for (const name of readdirSync(join(ROOT, path)).sort()) add(`${path}/${name}`)
    else if (!path.endsWith('.test.ts')) hash.update(`${path} ${stat.size} ${stat.mtimeMs}\n`)
  }
  for (const path of SOURCES) add(path)
  return hash.digest('hex').slice(0, 16)
}

const THREAD = /new URL\('[./]*?([\w-]+-worker)\.ts', import\.meta\.url\)/g

/** Threads lie beside the bundle; everything else (the page for browsers) is found from where the source is. */
const places = {
  name: 'places',
  transform: (code: string, id: string) => {
    if (!id.startsWith(ROOT) || !code.includes('import.meta.url')) return null
    const [here, beside] = [JSON.stringify(pathToFileURL(id).href), 'import.meta["url"]']
    return code
      .replaceAll(THREAD, `new URL('./$1.js', ${beside})`)
      .replaceAll('import.meta.url', here)
      .replaceAll(beside, 'import.meta.url')
  },
}

/** Makes the directory `directory`, as a whole or not at all. */
const bundle = async (directory: string): Promise<void> => {
  const { rolldown } = await import('rolldown')
  const unfinished = `${directory}.${process.pid}`
  const built = await rolldown({
    input: Object.fromEntries(Object.entries(ENTRIES).map(([name, path]) => [name, join(ROOT, path)])),
    platform: 'node',
    external: id => !id.startsWith('.') && !id.startsWith('/'),
    plugins: [places],
    logLevel: 'silent',
  })
  try {
    await built.write({
      ...{ dir: unfinished, format: 'esm', comments: false, chunkFileNames: '[name].js' },
      // For the log (src/config/source-positions.ts); Node does not have to know of it.
      ...{ sourcemap: 'hidden', sourcemapExcludeSources: true },
    })
    // Another start may have been quicker.
    if (!existsSync(directory)) renameSync(unfinished, directory)
  } finally {
    await built.close()
    rmSync(unfinished, { recursive: true, force: true })
  }
}

/** Removes what was made of older sources, but for the newest: a server that still runs starts threads from there. */
const removeOld = (current: string): void => {
  const others = readdirSync(CACHE)
    .map(name => join(CACHE, name))
    .filter(path => path !== current)
    .toSorted((a, b) => statSync(b).mtimeMs - statSync(a).mtimeMs)
  for (const path of others.slice(1)) rmSync(path, { recursive: true, force: true })
}

try {
  const directory = join(CACHE, fingerprint())
  if (!existsSync(directory)) {
    mkdirSync(CACHE, { recursive: true })
    await bundle(directory)
    removeOld(directory)
  }
  console.log(join(directory, 'main.js'))
} catch {
  // Nothing is lost but memory.
}

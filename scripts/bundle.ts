import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync } from 'node:fs'
import { join, relative } from 'node:path'

/**
 * Puts the sources of the server together into few files, unless that has been done since they last changed, and prints where
 * the program begins in them: `npm start` runs that. A thousand modules take 14 MB more than one, and a quarter of a second of
 * each start. Where it cannot be done (rolldown is not installed, nothing can be written) it prints nothing, and the
 * sources run as they are.
 *
 * `bundle.ts dist` does the same to what `npm run build` has compiled, in `dist/bundle`, and fails where it cannot be done.
 */
const ROOT = join(import.meta.dirname, '..')
const CACHE = join(ROOT, 'node_modules/.cache/bundle')
/** What a bundle is made of. */
const SOURCES = ['src', 'migrations', 'package.json', 'package-lock.json', 'scripts/bundle.ts']
/** Where the process begins, and its threads: without the ending. */
const ENTRIES = {
  main: 'src/main',
  'writer-worker': 'src/storage/writer-worker',
  'reader-worker': 'src/storage/reader-worker',
  'verify-worker': 'src/services/federation/verify-worker',
  'resolve-worker': 'src/services/rooms/resolve-worker',
  'bcrypt-worker': 'src/services/accounts/bcrypt-worker',
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

/**
 * Threads lie beside the bundle in `directory`; everything else (the page for browsers) is found from where the source is,
 * relative to it, so that `dist` can be moved.
 */
const places = (directory: string) => ({
  name: 'places',
  transform: (code: string, id: string) => {
    if (!id.startsWith(ROOT) || !code.includes('import.meta.url')) return null
    const beside = 'import.meta["url"]'
    const here = `new URL(${JSON.stringify(relative(directory, id))}, ${beside}).href`
    return code
      .replaceAll(THREAD, `new URL('./$1.js', ${beside})`)
      .replaceAll('import.meta.url', here)
      .replaceAll(beside, 'import.meta.url')
  },
})

/** What has been compiled says where it is from: stacks in the log name the sources. */
const origins = {
  name: 'origins',
  load: (id: string) => {
    const map = `${id}.map`
    return existsSync(map) ? { code: readFileSync(id, 'utf8'), map: readFileSync(map, 'utf8') } : null
  },
}

/**
 * A single character beyond ASCII has Node keep the whole text with two bytes for each: 2 MB. In texts and patterns
 * the escapes mean the same; there is none in a template whose raw text is read.
 */
const ascii = {
  name: 'ascii',
  renderChunk: (code: string) => ({
    code: code.replaceAll(
      /[\u0080-\uffff]/g,
      unit => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`,
    ),
    map: null,
  }),
}

/** Makes the directory `directory` of the modules below `root`, as a whole or not at all. */
const bundle = async (root: string, ending: '.ts' | '.js', directory: string): Promise<void> => {
  const { rolldown } = await import('rolldown')
  const unfinished = `${directory}.${process.pid}`
  const built = await rolldown({
    input: Object.fromEntries(
      Object.entries(ENTRIES).map(([name, path]) => [name, join(root, `${path}${ending}`)]),
    ),
    platform: 'node',
    external: id => !id.startsWith('.') && !id.startsWith('/'),
    plugins: [origins, places(directory), ascii],
    logLevel: 'silent',
  })
  try {
    await built.write({
      ...{ dir: unfinished, format: 'esm', comments: false, chunkFileNames: '[name].js' },
      // By default what plugins have rendered is looked through for dead code, and printed anew: with all characters as they are.
      minify: false,
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

/** Answers where the program begins, as the sources are now. */
const ofSources = async (): Promise<string> => {
  const directory = join(CACHE, fingerprint())
  if (!existsSync(directory)) {
    mkdirSync(CACHE, { recursive: true })
    await bundle(ROOT, '.ts', directory)
    removeOld(directory)
  }
  return join(directory, 'main.js')
}

const ofCompiled = async (): Promise<void> => {
  const directory = join(ROOT, 'dist/bundle')
  rmSync(directory, { recursive: true, force: true })
  await bundle(join(ROOT, 'dist'), '.js', directory)
}

if (process.argv[2] === 'dist') await ofCompiled()
else
  await ofSources().then(console.log, () => {
    // Nothing is lost but memory.
  })

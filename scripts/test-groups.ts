import { globSync, mkdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { basename, join, relative } from 'node:path'

/**
 * The runner gives every file a process (a thread) of its own, and each of them would load and warm up the whole server
 * again: more than a second, where most files need less for their tests. So a run of everything goes by groups, files that
 * import some dozens of test files, whose tests take turns.
 *
 * What a group asks of its files: titles of their own, and nothing set for the whole process.
 */
export interface TestGroup {
  /** Of the group's file, without its ending: the folder, and a number. */
  readonly name: string
  readonly files: readonly string[]
}

/** Where the tests are. */
export const TESTS: string[] = ['src', 'migrations', 'scripts', 'federation-tests', 'bench'].map(
  folder => `${folder}/**/*.test.ts`,
)

/** Where the groups are written. */
export const GROUPS = '.cache/test-groups'

/** How many files share a process: few processes are quick, but the last of them should not be alone for long. */
const FILES_PER_GROUP = 84

/** Areas with fewer files share a process with each other. */
const SMALL_AREA = 20

/**
 * What stays alone: it measures, has the thread's time in its hand, stops the process or others for a while, or looks at all that is asked
 * in the process.
 */
const ALONE = [
  'bench/bench.',
  'bench/plans.',
  'federation-tests/chaos.',
  'federation-tests/kill.',
  'federation-tests/simulation.',
  'src/storage/dump/',
  'src/young-generation.',
]

/** What loads the same, and has much to do: a folder's files would be too long together. */
const KINDRED: readonly (readonly [name: string, files: RegExp])[] = [
  ['federation-tests.js-sdk', /^federation-tests\/(federated-encryption|killed-delivery|(matrix-)?js-sdk)/],
  ['federation-tests.browser', /^federation-tests\/(oauth|web-(invitations|page(-for-two|-in-trouble)?))\./],
]

/** The groups for test files, paths relative to the project: long files and short ones are dealt out evenly. */
export const groupTests = (files: readonly string[], perGroup = FILES_PER_GROUP): TestGroup[] => {
  const sorted = [...files].sort()
  const sizes = Map.groupBy(sorted, areaOf)
  const isSmall = (area: string): boolean => (sizes.get(area)?.length ?? 0) < SMALL_AREA
  const byName = Map.groupBy(sorted, file => {
    if (ALONE.some(start => file.startsWith(start)))
      return file.replace(/\.test\.ts$/, '').replaceAll('/', '.')
    const kindred = KINDRED.find(([, members]) => members.test(file))
    return kindred?.[0] ?? (isSmall(areaOf(file)) ? 'others' : areaOf(file))
  })
  return [...byName].flatMap(([name, members]) => {
    const groups = Math.ceil(members.length / perGroup)
    return Array.from({ length: groups }, (_, number) => ({
      name: groups === 1 ? name : `${name}-${number + 1}`,
      files: members.filter((_, index) => index % groups === number),
    }))
  })
}

/** The folder, in `src` that below it. */
const areaOf = (file: string): string =>
  file
    .split('/')
    .slice(0, file.startsWith('src/') ? 2 : 1)
    .join('.')
    .replace(/\.test\.ts$/, '')

/** What files import that share a process; one that is alone may also wait for something before it declares its tests. */
const TURNS = 'src/test-kit/in-turns.ts'

/** Writes the groups of all tests that the patterns find into `folder`, anew. */
export const writeTestGroups = (root: string, patterns: readonly string[], folder: string): void => {
  rmSync(folder, { recursive: true, force: true })
  mkdirSync(folder, { recursive: true })
  for (const { name, files } of groupTests(globSync(patterns, { cwd: root }))) {
    const imports = (files.length === 1 ? files : [TURNS, ...files]).map(
      file => `import ${JSON.stringify(relative(folder, join(root, file)))}\n`,
    )
    writeFileSync(join(folder, `${name}.test.ts`), imports.join(''))
  }
}

/** An order of the groups' files in which the long ones come first, so that none of them is left alone at the end. */
export const longestFirst = (a: string, b: string): number => lengthOf(b) - lengthOf(a)

/** Whole servers that are used over HTTP take twice as long, file by file, and so do small areas: many wait for processes of their own. */
const TWICE_AS_LONG = ['src.api', 'others']

/** Whole servers and clients take long, and what stays alone; otherwise many files do. */
const lengthOf = (path: string): number => {
  const name = basename(path)
  const isLong = ['federation-tests/', ...ALONE].some(start => name.startsWith(start.replaceAll('/', '.')))
  if (isLong) return Number.MAX_SAFE_INTEGER
  return statSync(path).size * (TWICE_AS_LONG.some(area => name.startsWith(area)) ? 2 : 1)
}

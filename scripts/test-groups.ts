import { globSync, mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join, relative } from 'node:path'

/**
 * The runner gives every file a process (a thread) of its own, and each of them would load and warm up the whole server
 * again: two fifths of the time of a run. So a run of everything goes by groups, files that import some ten test files.
 *
 * What a group asks of its files: titles of their own, and nothing set for the whole process. Files of
 * `federation-tests/` do set such things, and stay alone.
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

/** How many files share a process: more of them save less and less, and their tests all start at once. */
const FILES_PER_GROUP = 8

const ALONE = ['federation-tests/', 'src/storage/dump/']

/** The groups for test files, paths relative to the project: long files and short ones are dealt out evenly. */
export const groupTests = (files: readonly string[], perGroup = FILES_PER_GROUP): TestGroup[] => {
  const byArea = Map.groupBy([...files].sort(), file => areaOf(file))
  return [...byArea].flatMap(([area, members]) => {
    const groups = Math.ceil(members.length / perGroup)
    return Array.from({ length: groups }, (_, number) => ({
      name: groups === 1 ? area : `${area}-${number + 1}`,
      files: members.filter((_, index) => index % groups === number),
    }))
  })
}

const areaOf = (file: string): string =>
  ALONE.some(folder => file.startsWith(folder))
    ? file.replace(/\.test\.ts$/, '').replaceAll('/', '.')
    : file
        .split('/')
        .slice(0, file.startsWith('src/') ? 2 : 1)
        .join('.')
        .replace(/\.test\.ts$/, '')

/** Writes the groups of all tests that the patterns find into `folder`, anew. */
export const writeTestGroups = (root: string, patterns: readonly string[], folder: string): void => {
  rmSync(folder, { recursive: true, force: true })
  mkdirSync(folder, { recursive: true })
  for (const { name, files } of groupTests(globSync(patterns, { cwd: root }))) {
    const imports = files.map(file => `import ${JSON.stringify(relative(folder, join(root, file)))}\n`)
    writeFileSync(join(folder, `${name}.test.ts`), imports.join(''))
  }
}

import { globSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import test from 'ava'
import { temporaryDirectory } from '../src/test-kit/temporary-directory.ts'
import { GROUPS, groupTests, longestFirst, TESTS } from './test-groups.ts'

test('test files share a process by area, dealt out evenly; small areas share one, and what disturbs others stays alone', t => {
  const files = 'abcdefghijklmnopqrstu'.split('').map(name => `src/api/rooms/${name}.test.ts`)
  const small = ['scripts/summary.test.ts', 'src/layers.test.ts']
  t.deepEqual(groupTests(['federation-tests/kill.test.ts', ...small, ...files], 8), [
    { name: 'federation-tests.kill', files: ['federation-tests/kill.test.ts'] },
    { name: 'others', files: small },
    { name: 'src.api-1', files: 'adgjmps'.split('').map(name => `src/api/rooms/${name}.test.ts`) },
    { name: 'src.api-2', files: 'behknqt'.split('').map(name => `src/api/rooms/${name}.test.ts`) },
    { name: 'src.api-3', files: 'cfiloru'.split('').map(name => `src/api/rooms/${name}.test.ts`) },
  ])
})

test('what stays alone, and whole servers, come before everything else', t => {
  const long = ['federation-tests.browser', 'src.storage.dump.dump'].map(name => `${GROUPS}/${name}.test.ts`)
  t.deepEqual([import.meta.filename, ...long].toSorted(longestFirst), [...long, import.meta.filename])
})

test('what waits for processes of its own comes before more files of which none does', t => {
  const directory = temporaryDirectory(t)
  const services = join(directory, 'src.services-1.test.ts')
  const others = join(directory, 'others.test.ts')
  writeFileSync(services, 'x'.repeat(190))
  writeFileSync(others, 'x'.repeat(100))
  t.deepEqual([services, others].toSorted(longestFirst), [others, services])
})

/** A test's title, where it is written down as it is. */
const TITLE = /^test\w*(?:\.serial)?\((?:test, )?\s*(['`])(?<title>.*?)\1/gm

test('no two tests have the same title that may come to share a process', t => {
  const root = join(import.meta.dirname, '..')
  const all = globSync(TESTS, { cwd: root })
  for (const { name, files } of groupTests(all, all.length)) {
    const titles = files.flatMap(file =>
      [...readFileSync(join(root, file), 'utf8').matchAll(TITLE)].map(
        ({ groups }) => groups?.['title'] ?? '',
      ),
    )
    const twice = titles.filter((title, index) => titles.indexOf(title) !== index)
    t.deepEqual(twice, [], name)
  }
})

import test from 'ava'
import { summarize } from './summary.ts'

test('the last line of npm test counts what ava has reported', t => {
  const failing =
    '  \u001B[32m✔\u001B[39m a › one\n  ✘ [fail]: a › two\n  ✔ a › three (1s)\n  ─\n\n  12 tests passed by\n' +
    '\n  \u001B[31m1 test failed\u001B[39m\n  1 test skipped\n  2 uncaught exceptions\n'
  t.deepEqual(summarize(failing, 1), { passed: 2, failed: 3 })
  t.deepEqual(summarize('\n  ✔ one\n  ✔ two\n  ─\n\n  2 tests passed\n', 0), { passed: 2, failed: 0 })
  t.deepEqual(summarize('\n  ✔ one\n  ✘ Timed out while running tests\n', 1), { passed: 1, failed: 1 })
  t.deepEqual(summarize('', 0), { passed: 0, failed: 1 })
})

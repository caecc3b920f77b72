import test from 'ava'
import { groupTests } from './test-groups.ts'

test('test files share a process by area, dealt out evenly; what sets things for its process stays alone', t => {
  const files = ['a', 'b', 'c', 'd', 'e'].map(name => `src/api/rooms/${name}.test.ts`)
  t.deepEqual(groupTests(['federation-tests/kill.test.ts', 'scripts/summary.test.ts', ...files], 2), [
    { name: 'federation-tests.kill', files: ['federation-tests/kill.test.ts'] },
    { name: 'scripts', files: ['scripts/summary.test.ts'] },
    { name: 'src.api-1', files: ['src/api/rooms/a.test.ts', 'src/api/rooms/d.test.ts'] },
    { name: 'src.api-2', files: ['src/api/rooms/b.test.ts', 'src/api/rooms/e.test.ts'] },
    { name: 'src.api-3', files: ['src/api/rooms/c.test.ts'] },
  ])
})

import test from 'ava'
import { readFacts } from './room-record.ts'

test('what another server tells of a room is taken where it makes sense', t => {
  const told = {
    ...{ creator: '@a:x', created_ts: 1, alt_aliases: ['#tea:x'], media: ['text'], is_public: true },
    ...{ joined_members: 2, invited_members: 0, direct_key: ['@a:x', '@b:y'] },
  }
  t.deepEqual(readFacts({ ...told, color: 'red' }), told)
  t.deepEqual(readFacts({ ...told, alt_aliases: ['#tea:x', 7, 'tea'], media: ['text', 'smoke'] }), told)
  const rubbish = {
    ...{ creator: 'a', created_ts: -1, alt_aliases: '#tea:x', media: 'text', is_public: 1 },
    ...{ joined_members: 1.5, invited_members: '3', direct_key: ['@a:x'] },
  }
  t.deepEqual(readFacts(rubbish), {})
  t.is(readFacts({ alt_aliases: Array(1_000).fill('#tea:x') }).alt_aliases?.length, 50)
  for (const value of [undefined, null, 'x', []]) t.deepEqual(readFacts(value), {})
})

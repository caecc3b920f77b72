import test from 'ava'
import fc from 'fast-check'
import { crowdsIn, placeInCrowd, usersOf } from './crowds.ts'
import type { PushAction } from './push-action.ts'

const action = (userId: string, more: Partial<PushAction> = {}): PushAction => ({
  ...{ userId, roomNid: 1, position: 2, eventNid: 3, threadId: 'main', highlight: false },
  ...{ actions: '["notify"]', ts: 4, ...more },
})

test('everybody whom an event notifies is found again, in a crowd or alone', t => {
  const localpart = fc.oneof(fc.stringMatching(/^[a-z0-9._=/+-]{1,3}$/), fc.constantFrom('a\nb', 'ü', ''))
  fc.assert(
    fc.property(
      fc.uniqueArray(localpart),
      fc.integer({ min: 1, max: 8 }),
      fc.nat(9),
      (names, crowd, loud) => {
        const all = names.map((name, index) =>
          action(`@${name}:here.test`, index < loud ? { highlight: true, actions: '["notify","x"]' } : {}),
        )
        const { crowds, single } = crowdsIn(all, crowd)
        for (const one of all) {
          const { userId, ...what } = one
          const { bucket, entry } = placeInCrowd(userId)
          const theirs = crowds.filter(row => row.bucket === bucket && row.users.includes(entry))
          for (const { users } of theirs) t.true(usersOf(users, 'here.test').includes(userId))
          const alone = single.filter(other => other === one)
          t.is(theirs.length + alone.length, 1, userId)
          for (const row of theirs) t.like(row, what)
        }
        const others = crowds.reduce((sum, { users }) => sum + users.split('\n').length - 2, 0)
        t.is(others + single.length, all.length)
      },
    ),
  )
})

test('a few are no crowd, and a place is for ever', t => {
  const few = ['@a:here.test', '@b:here.test'].map(userId => action(userId))
  t.deepEqual(crowdsIn(few), { crowds: [], single: few })
  t.deepEqual(placeInCrowd('@alice:here.test'), {
    bucket: placeInCrowd('@alice:there.test').bucket,
    entry: '\nalice\n',
  })
  t.is(placeInCrowd('@alice:here.test').bucket, 103)
})

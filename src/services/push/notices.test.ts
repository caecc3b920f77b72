import test from 'ava'
import fc from 'fast-check'
import { randomRuns } from '../../test-kit/random-runs.ts'
import { type Alike, type Notice, NotifiedUsers, noticeOf, noticesOf, storedActions } from './notices.ts'

const NOTICES: readonly (Notice | undefined)[] = [
  undefined,
  { highlight: false, actions: '["notify"]' },
  { highlight: true, actions: '["notify"]' },
  { highlight: false, actions: '["notify","x"]' },
]

const person = fc.record({ group: fc.nat(2), says: fc.nat(3), isSilenced: fc.boolean() })

test('what is said of groups and of exceptions is to each what their rules say, and no more is stored than for each of them', t => {
  fc.assert(
    fc.property(fc.array(person, { maxLength: 12 }), fc.nat(12), (people, sending) => {
      const all = people.map((one, index) => ({ ...one, userId: `@${index}:here.test` }))
      const sender = `@${sending}:here.test`
      const alike: Alike[] = [...Map.groupBy(all, ({ group, says }) => 10 * group + says)].map(
        ([key, some]) => ({ groupId: Math.floor(key / 10), people: some, notice: NOTICES[key % 10] }),
      )
      const members = new Map(all.map(({ userId, group }) => [userId, group]))
      const what = { roomNid: 1, position: 2, eventNid: 3, threadId: 'main', ts: 4, sender, members }
      const silenced = new Set(all.flatMap(({ userId, isSilenced }) => (isSilenced ? userId : [])))
      const notices = noticesOf(what, alike, silenced)
      const expected = new Map<string, Notice>()
      for (const { userId, says, isSilenced } of all) {
        const notice = isSilenced || userId === sender ? undefined : NOTICES[says]
        if (notice !== undefined) expected.set(userId, notice)
        t.deepEqual(noticeOf(notices, userId), notice, userId)
      }
      t.is(noticeOf(notices, '@stranger:here.test'), undefined)
      const notified = new NotifiedUsers([notices])
      const some = new Map([...members].filter((_, index) => index % 2 === 0))
      for (const asked of [members, some, new Map([...some, ['@a', 0], ...members, ['@b', 0]])])
        t.deepEqual(
          [...notified.among(asked)].toSorted(),
          [...expected.keys()].filter(userId => asked.has(userId)).toSorted(),
        )
      const { groups, own } = storedActions([notices])
      t.true(groups.length + own.length <= all.length)
      if (silenced.size === 0) t.true(groups.length + own.length <= expected.size + 1)
      if (expected.size === 0) t.is(groups.length + own.length, 0)
    }),
    { numRuns: randomRuns(500) },
  )
})

test('a message to many is one row for all who have the same rules, and for those whom it mentions', t => {
  const people = Array.from({ length: 1_000 }, (_, index) => ({ userId: `@${index}:here.test` }))
  const [first, ...others] = people
  const members = new Map(people.map(({ userId }) => [userId, 0]))
  const what = {
    roomNid: 1,
    position: 2,
    eventNid: 3,
    threadId: 'main',
    ts: 4,
    sender: '@9:here.test',
    members,
  }
  const alike: Alike[] = [
    { groupId: 0, people: first === undefined ? [] : [first], notice: NOTICES[2] },
    { groupId: 0, people: others, notice: NOTICES[1] },
  ]
  const { groups, own } = storedActions([noticesOf(what, alike, new Set(['@7:here.test']))])
  t.is(groups.length, 1)
  t.deepEqual(
    own.map(({ userId, isSilent, highlight }) => [userId, isSilent, highlight]),
    [
      ['@0:here.test', false, true],
      ['@7:here.test', true, false],
    ],
  )
})

test('whoever has rules like nobody else is told of as a single user: whoever counts goes through the rows of all groups', t => {
  const people = Array.from({ length: 10 }, (_, index) => ({ userId: `@${index}:here.test` }))
  const members = new Map(people.map(({ userId }, index) => [userId, index]))
  const what = {
    roomNid: 1,
    position: 2,
    eventNid: 3,
    threadId: 'main',
    ts: 4,
    sender: '@0:here.test',
    members,
  }
  const alike: Alike[] = people.map((one, groupId) => ({ groupId, people: [one], notice: NOTICES[1] }))
  const notices = noticesOf(what, alike, new Set(['@1:here.test']))
  const { groups, own } = storedActions([notices])
  t.deepEqual(groups, [])
  t.deepEqual(
    own.map(({ userId, isSilent }) => [userId, isSilent]),
    people.slice(2).map(({ userId }) => [userId, false]),
  )
})

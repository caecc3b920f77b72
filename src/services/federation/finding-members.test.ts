/** Where the members of a room come from that was joined without them. */
import { setTimeout } from 'node:timers/promises'
import test from 'ava'
import type { JsonObject } from '../../core/json.ts'
import { DatabaseUnavailable } from '../../storage/database.ts'
import { FederationWorld, setState, stateAt } from '../../test-kit/federation-world.ts'
import {
  ALICE,
  answering,
  BOB,
  completed,
  DAVE,
  headOf,
  type JoinAnswer,
  joinPartially,
  NOT_NOW,
  scene,
  topicByDave,
} from '../../test-kit/partial-join.ts'
import { newRoom } from '../../test-kit/rooms.ts'

test('where the server that let us in is gone, another one tells the members', async t => {
  const s = await scene(t)
  await joinPartially(s)
  s.world.intercept = ({ to }) => (to === 'big.test' ? 'unreachable' : undefined)
  await completed(s)
  t.is((await headOf(s.here, s.roomId)).memberships.get('@m7:big.test'), 'join')
  t.true(
    s.world.requests.some(
      request => request.startsWith('here.test > third.test GET') && request.includes('/state_ids/'),
    ),
  )
})

test('of many servers that are gone, those that are there are found in the end', async t => {
  const s = await scene(t)
  const gone = Array.from({ length: 50 }, (_, n) => `gone${n}.test`)
  await answering(s, answer => ({ ...answer, serversInRoom: [...gone, 'third.test'] }))
  await joinPartially(s)
  s.world.intercept = ({ to }) => (to === 'third.test' ? undefined : 'unreachable')
  await completed(s)
  t.is((await headOf(s.here, s.roomId)).memberships.get('@m7:big.test'), 'join')
})

test('a server that announces more than it gives, or another room, is passed over', async t => {
  const s = await scene(t)
  await joinPartially(s)
  s.world.intercept = ({ to, path }) => {
    if (to !== 'big.test' || !path.includes('/federation/v1/state_ids/')) return undefined
    return { status: 200, json: { pdu_ids: ['$another:room'], auth_chain_ids: [] } }
  }
  await completed(s)
  t.is((await headOf(s.here, s.roomId)).memberships.get('@m7:big.test'), 'join')
})

test('what authorises the state and is not among the answer to the join is asked for', async t => {
  const s = await scene(t)
  await topicByDave(s)
  const content = { membership: 'join', displayname: 'D.' }
  const renamed = { type: 'm.room.member', stateKey: DAVE, content }
  await s.world.send(s.third, s.big, [await setState(s.third, DAVE, s.roomId, renamed)])
  const isDave = (pdu: JsonObject) => pdu['state_key'] === DAVE
  const withoutDave = (answer: JoinAnswer) => ({
    ...answer,
    authChain: answer.authChain.filter(pdu => !isDave(pdu)),
  })
  await answering(s, withoutDave, false)
  s.open()
  await joinPartially(s)
  await completed(s)
  t.is((await headOf(s.here, s.roomId)).memberships.get(DAVE), 'join')
  t.is((await stateAt(s.here, s.roomId, 'm.room.topic'))?.content['topic'], 'Dave was here')
})

test('where nobody tells more than what came with the join, that is the room', async t => {
  const s = await scene(t)
  await topicByDave(s)
  await answering(s, answer => answer, false)
  s.world.intercept = ({ from, to, path }) => {
    if (from !== 'here.test') return undefined
    if (to === 'third.test' || path === '/_matrix/key/v2/query') return 'unreachable'
    return path.includes('/v1/state') ? NOT_NOW : undefined
  }
  await joinPartially(s)
  await completed(s)
  const head = await headOf(s.here, s.roomId)
  t.is(head.memberships.get('@m7:big.test'), 'join')
  t.is(head.memberships.get(DAVE), undefined)
  t.is(await stateAt(s.here, s.roomId, 'm.room.topic'), undefined)
})

test('an answer with more members than fit into one commit is stored piece by piece', async t => {
  t.timeout(600_000)
  const world = new FederationWorld(t)
  const big = await world.add('big.test')
  const here = await world.add('here.test')
  const fields = newRoom(big.rooms, ALICE, { preset: 'public_chat', name: 'Big' })
  const roomId = await big.rooms.roomCreation.create(fields, { isDirect: false })
  const content = { membership: 'join' }
  for (let n = 0; n < 1_100; n += 100) {
    await Promise.all(
      Array.from({ length: 100 }, (_, k) => {
        const userId = `@m${n + k}:big.test`
        return big.core.sender.send(roomId, {
          type: 'm.room.member',
          sender: userId,
          stateKey: userId,
          content,
        })
      }),
    )
  }
  const { sendJoin } = here.client
  Object.assign(here.client, {
    sendJoin: (server: string, finished: Parameters<typeof sendJoin>[1]) =>
      sendJoin(server, { ...finished, omitMembers: false }),
  })
  let commits = 0
  const { commit } = here.database
  const largest = { rows: 0 }
  Object.assign(here.database, {
    commit: (set: Parameters<typeof commit>[0]) => {
      commits += 1
      const rows = set.statements.reduce((sum, statement) => sum + statement.rows.length, 0)
      largest.rows = Math.max(largest.rows, rows)
      return commit.call(here.database, set)
    },
  })
  await here.rooms.memberships.join({ userId: BOB, roomId, via: ['big.test'] })
  while ((await here.core.context.read.partial.allOpen()).length > 0) await setTimeout(5)
  t.is((await headOf(here, roomId)).joinedMembers, 1_102)
  t.true(commits > 8)
  t.true(largest.rows < 2_500, `${largest.rows} rows in one commit`)
  t.false(
    world.requests.some(request => request.includes('/v1/state')),
    'nothing was asked for again',
  )

  // A database that goes away half-way leaves no harm.
  const other = await world.add('other.test')
  const { commit: commitThere } = other.database
  let left = 6
  Object.assign(other.database, {
    commit: (set: Parameters<typeof commit>[0]) => {
      left -= 1
      return left === 0
        ? Promise.reject(new DatabaseUnavailable('gone'))
        : commitThere.call(other.database, set)
    },
  })
  const joining = other.rooms.memberships.join({ userId: '@olga:other.test', roomId, via: ['big.test'] })
  let isIn = false
  void joining.then(() => {
    isIn = true
  })
  // However long that takes on a busy machine.
  while (!isIn || (await other.core.context.read.partial.allOpen()).length > 0) {
    await other.clock.advance(100)
    await setTimeout(5)
  }
  t.true(left < 0)
  t.is((await headOf(other, roomId)).joinedMembers, 1_103)

  // Where a server says that there are so many, they are not waited for: no time passes here.
  const last = await world.add('last.test')
  world.intercept = ({ from, path }) =>
    from === 'last.test' && path.includes('/v1/state/') ? NOT_NOW : undefined
  await last.rooms.memberships.join({ userId: '@lea:last.test', roomId, via: ['big.test'] })
  t.truthy((await headOf(last, roomId)).partial)
})

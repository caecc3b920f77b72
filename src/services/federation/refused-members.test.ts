import test from 'ava'
import { testDatabases } from '../../test-kit/database.ts'
import { eventually } from '../../test-kit/eventually.ts'
import type { Interceptor } from '../../test-kit/federation-transport.ts'
import { BOB, completed, headOf, joinPartially, type Scene, scene } from '../../test-kit/partial-join.ts'
import { testSync } from '../../test-kit/room-sync.ts'
import { requesterOf } from '../../test-kit/rooms.ts'
import { loadHead } from '../rooms/load-head.ts'

const refusing =
  (errcodeOf: (server: string) => string | undefined): Interceptor =>
  ({ from, to, path }) => {
    if (from !== 'here.test' || !path.startsWith('/_matrix/federation/v1/state')) return undefined
    const errcode = errcodeOf(to)
    return errcode === undefined ? 'unreachable' : { status: 403, json: { errcode, error: 'no' } }
  }

const isPartial = async ({ here, roomId }: Scene): Promise<boolean> =>
  (await headOf(here, roomId)).partial !== undefined

/** Lets so many seconds pass. */
const pass = async ({ here }: Scene, seconds: number): Promise<void> => {
  for (let n = 0; n < seconds; n += 10) await here.clock.advance(10_000)
}

testDatabases(
  test,
  'whom those who know the room hold to be out of it is told so, and may come in anew',
  async (t, database) => {
    const s = await scene(t, database)
    await joinPartially(s)
    const sync = testSync(s.here, s.here.database)
    t.teardown(() => sync.close())
    const lazily = { filter: JSON.stringify({ room: { state: { lazy_load_members: true } } }) }
    const joined = await sync.ask(BOB, lazily)
    t.truthy(joined.rooms?.join?.[s.roomId])
    s.world.intercept = refusing(() => 'M_FORBIDDEN')
    await completed(s, 1_000)
    const head = await headOf(s.here, s.roomId)
    t.false(head.hasHost('here.test'))
    const loaded = await loadHead(s.here.core.context.read, s.roomId, 'here.test')
    t.deepEqual([...(loaded?.stateMap() ?? [])].toSorted(), [...head.stateMap()].toSorted())
    await t.notThrowsAsync(
      s.here.rooms.roomReading.state(requesterOf(BOB), s.roomId),
      'nobody waits for members any more',
    )
    const news = () => sync.ask(BOB, { ...lazily, since: joined.next_batch })
    await eventually('Bob is told', async () => (await news()).rooms?.leave?.[s.roomId] !== undefined)
    t.is((await sync.ask(BOB, lazily)).rooms?.join?.[s.roomId], undefined)

    s.open()
    await joinPartially(s)
    await completed(s)
    t.is((await headOf(s.here, s.roomId)).memberships.get('@m7:big.test'), 'join')
    t.true((await headOf(s.here, s.roomId)).hasHost('here.test'))
  },
)

test('where other servers of the room cannot be heard, it takes more than an hour to believe it', async t => {
  const s = await scene(t)
  await joinPartially(s)
  s.world.intercept = refusing(server => (server === 'big.test' ? 'M_FORBIDDEN' : undefined))
  await pass(s, 3_000)
  t.true(await isPartial(s))
  await eventually('it is believed', async () => {
    await pass(s, 600)
    return !(await isPartial(s))
  })
})

test('nobody is out by what those say who do not know the join, or lack members as well', async t => {
  const s = await scene(t)
  await joinPartially(s)
  const answers: ((server: string) => string | undefined)[] = [
    server => (server === 'big.test' ? undefined : 'M_FORBIDDEN'),
    server => (server === 'big.test' ? 'M_FORBIDDEN' : 'M_UNABLE_DUE_TO_PARTIAL_STATE'),
  ]
  for (const answer of answers) {
    s.world.intercept = refusing(answer)
    await pass(s, 3 * 3_600)
    t.true(await isPartial(s))
  }
  s.open()
  await completed(s, 60_000)
  t.true((await headOf(s.here, s.roomId)).hasHost('here.test'))
})

/** Clients of sliding sync go on after a restart, and at another process. */
import test from 'ava'
import { testDatabases, testPostgres } from '../../test-kit/database.ts'
import { newPerson, Person } from '../../test-kit/people.ts'
import { type RunningTestServer, startTestServer } from '../../test-kit/server.ts'
import { bodies, roomOf } from '../../test-kit/shown.ts'
import { list, type SlidAnswer, slide } from '../../test-kit/sliding-client.ts'
import { temporaryDirectory } from '../../test-kit/temporary-directory.ts'

const extensions = {
  ...{ e2ee: { enabled: true }, account_data: { enabled: true } },
  ...{ receipts: { enabled: true }, typing: { enabled: true }, to_device: { enabled: true } },
}
const wanted = { ...list(9, { timeline_limit: 3 }), extensions }

const at = (server: RunningTestServer, who: Person): Person => new Person(server, who.account)

/** What an answer tells of rooms, but for counts of what is unread, which may come by themselves, and late. */
const told = ({ rooms }: SlidAnswer): [roomId: string, said: string][] =>
  Object.entries(rooms).flatMap(([roomId, { initial, timeline = [] }]) => {
    const said = initial === true ? ['all'] : bodies(timeline)
    return said.map((text): [string, string] => [roomId, String(text)])
  })

testDatabases(test, 'after a restart clients are told what is new, and no more', async (t, _, database) => {
  const directory = temporaryDirectory(t)
  const options = { database, directory }
  const before = await startTestServer(options)
  const [ann, bob] = [await newPerson(before), await newPerson(before)]
  const quiet = await roomOf(ann, [bob])
  const lively = await roomOf(ann, [bob])
  const invitation = await bob.createRoom({ invite: [ann.userId] })
  await ann.setAccountData('org.a', { a: 1 })
  const first = await slide(ann, wanted)
  await bob.send(lively, 'taken')
  const second = await slide(ann, wanted, first.pos)
  t.deepEqual(told(second), [[lively, 'taken']])
  await bob.send(lively, 'lost')
  t.deepEqual(told(await slide(ann, wanted, second.pos)), [[lively, 'lost']])
  const fresh = await slide(bob, wanted)
  await before.close()

  const after = await startTestServer(options)
  t.teardown(after.close)
  const [annAgain, bobAgain] = [at(after, ann), at(after, bob)]
  const made = await slide(annAgain, wanted, second.pos)
  t.deepEqual(told(made), [[lively, 'lost']], 'that was not received')
  t.deepEqual(told(await slide(bobAgain, wanted, fresh.pos)), [], 'though it had come but once')
  await bobAgain.send(quiet, 'new')
  const next = await slide(annAgain, wanted, made.pos)
  t.deepEqual(told(next), [[quiet, 'new']])
  t.deepEqual(next.extensions['account_data'], { global: [], rooms: {} })
  await annAgain.change('join', invitation)
  t.deepEqual(told(await slide(annAgain, wanted, next.pos)), [[invitation, 'all']])
  await t.throwsAsync(slide(annAgain, wanted, first.pos), { code: '400 M_UNKNOWN_POS' })
  await t.throwsAsync(slide(bobAgain, wanted, next.pos), { code: '400 M_UNKNOWN_POS' })
})

testPostgres(
  test,
  'requests of one connection come to two processes in turns, and one of them ends',
  async (t, _, database) => {
    const directory = temporaryDirectory(t)
    const one = await startTestServer({ database, directory })
    t.teardown(one.close)
    const two = await startTestServer({ database, directory })
    let isOpen = true
    t.teardown(() => isOpen && two.close())
    const [ann, bob] = [await newPerson(one), await newPerson(one)]
    const [far, near] = [await roomOf(ann, [bob]), await roomOf(ann, [bob])]
    const window = list(0, { timeline_limit: 3 })
    let { pos, rooms } = await slide(ann, window)
    t.deepEqual(Object.keys(rooms), [near])
    const ask = async (where: RunningTestServer, timeout = 0) => {
      const answer = await slide(at(where, ann), window, pos, timeout)
      ;({ pos } = answer)
      return told(answer)
    }
    /** What one process has stored the other hears of some time. */
    const news = async (where: RunningTestServer) => {
      for (;;) {
        const found = await ask(where, 60_000)
        if (found.length > 0) return found
      }
    }
    for (const where of [two, one, two, one]) t.deepEqual(await ask(where), [])
    const turns: [RunningTestServer, string, string][] = [
      [two, near, 'said 0'],
      [one, near, 'said 1'],
      [two, far, 'all'],
      [one, far, 'said 3'],
      [two, far, 'said 4'],
    ]
    for (const [index, [where, roomId, expected]] of turns.entries()) {
      await bob.send(roomId, `said ${index}`)
      t.deepEqual(await news(where), [[roomId, expected]])
    }
    // That has answered last.
    isOpen = false
    await two.close()
    await bob.send(far, 'later')
    t.deepEqual(await ask(one), [[far, 'later']])
  },
)

/** Clients of sliding sync go on after a restart. */
import test from 'ava'
import { testDatabases } from '../../test-kit/database.ts'
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
  const cleo = await newPerson(before)
  const nowhere = await slide(cleo, wanted)
  t.deepEqual(told(nowhere), [])
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
  const refused = slide(at(after, cleo), wanted, nowhere.pos)
  await t.throwsAsync(refused, { code: '400 M_UNKNOWN_POS' }, 'who would not be told of changed devices')
})

/** On which rooms the extensions of sliding sync bear, and what becomes of what they do not tell meanwhile. */
import test from 'ava'
import { newPerson, type Person, type ShownEvent, serverTests } from '../../test-kit/people.ts'
import { roomOf } from '../../test-kit/shown.ts'
import { type SlidAnswer, slide } from '../../test-kit/sliding-client.ts'

const onServer = serverTests(test)
const path = encodeURIComponent

const config = { timeline_limit: 1, required_state: [] }
const direct = { ranges: [[0, 9]], filters: { is_dm: true }, ...config }
const others = { ranges: [[0, 9]], filters: { is_dm: false }, ...config }
const everywhere = (scope: object) =>
  Object.fromEntries(['account_data', 'receipts', 'typing'].map(name => [name, { enabled: true, ...scope }]))

/** Of which rooms an answer's extension tells. */
const roomsOf = (answer: SlidAnswer, name: string): string[] =>
  Object.keys((answer.extensions[name]?.['rooms'] ?? {}) as object).toSorted()

const typists = (answer: SlidAnswer, roomId: string): unknown =>
  (answer.extensions['typing']?.['rooms'] as Record<string, ShownEvent> | undefined)?.[roomId]?.content[
    'user_ids'
  ]

/** Ann shares two rooms with Bob, one of them direct; `stir` has something happen there for all three extensions. */
const begin = async (ann: Person, bob: Person) => {
  const [dm, room] = [await roomOf(ann, [bob]), await roomOf(ann, [bob])]
  await ann.setAccountData('m.direct', { [bob.userId]: [dm] })
  const types = (roomId: string, typing: boolean) =>
    bob.api('PUT', `/rooms/${path(roomId)}/typing/${path(bob.userId)}`, { typing, timeout: 120_000 })
  let count = 0
  const stir = async () => {
    const n = count++
    for (const roomId of [dm, room]) {
      await ann.setAccountData('org.n', { n }, roomId)
      await bob.api(
        'POST',
        `/rooms/${path(roomId)}/receipt/m.read/${path(await bob.send(roomId, `${n}`))}`,
        {},
      )
      await types(roomId, false)
      await types(roomId, true)
    }
  }
  return { dm, room, types, stir }
}

onServer(
  'extensions bear on the rooms of some lists, and on some of the subscriptions',
  async (t, server) => {
    const [ann, bob] = [await newPerson(server), await newPerson(server)]
    const { dm, room, stir } = await begin(ann, bob)
    const lists = { direct, others }
    const all = [dm, room].toSorted()
    let pos: string | undefined
    const cases: [scope: object, expected: string[], subscribed?: string][] = [
      [{}, all],
      [{ lists: ['*'], rooms: [] }, all],
      [{ lists: ['direct'] }, [dm]],
      [{ lists: [] }, []],
      [{ lists: ['direct'], rooms: [] }, [dm], room],
      [{ lists: ['direct'] }, all, room],
      [{ lists: ['unknown'], rooms: ['*', 'and what follows'] }, [room], room],
      [{ lists: [], rooms: [room, '!unknown:x'] }, [room], room],
      [{ lists: [], rooms: [room] }, []],
      [{ lists: null, rooms: null }, all],
    ]
    for (const [scope, expected, subscribed] of cases) {
      await stir()
      const body = {
        ...{ lists, extensions: everywhere(scope) },
        room_subscriptions: subscribed === undefined ? {} : { [subscribed]: config },
      }
      const answer = await slide(ann, body, pos)
      for (const name of ['account_data', 'receipts', 'typing'])
        t.deepEqual(roomsOf(answer, name), expected.toSorted(), `${name} ${JSON.stringify(scope)}`)
      ;({ pos } = answer)
    }
    const bad = { lists, extensions: everywhere({ lists: 'direct' }) }
    await t.throwsAsync(slide(ann, bad, pos), { code: '400 M_INVALID_PARAM' })
  },
)

onServer('what an extension has not told of a room it tells once it bears on it', async (t, server) => {
  const [ann, bob] = [await newPerson(server), await newPerson(server)]
  const { room, types, stir } = await begin(ann, bob)
  const ask = (scope: object, pos?: string) =>
    slide(ann, { lists: { direct, others }, extensions: everywhere(scope) }, pos)
  await stir()
  await ann.setAccountData('org.ended', { is: 'there' }, room)
  const whole = await ask({})
  t.deepEqual(typists(whole, room), [bob.userId])
  const narrow = { lists: ['direct'] }
  let { pos } = await ask(narrow, whole.pos)
  await stir()
  const entry = `/user/${path(ann.userId)}/rooms/${path(room)}/account_data/org.ended`
  const deletion = `/_matrix/client/unstable/org.matrix.msc3391${entry}`
  t.is((await ann.server.request('DELETE', deletion, { token: ann.account.accessToken })).status, 200)
  await types(room, false)
  ;({ pos } = await ask(narrow, pos))
  ;({ pos } = await ask(narrow, pos))
  const lost = await ask({}, pos)
  const wide = await ask({}, pos)
  for (const answer of [lost, wide]) {
    t.deepEqual(answer.rooms, {})
    t.deepEqual(
      ['account_data', 'receipts', 'typing'].map(name => roomsOf(answer, name)),
      [[room], [room], [room]],
    )
    t.deepEqual(typists(answer, room), [], 'that somebody has ceased, too')
    const rooms = answer.extensions['account_data']?.['rooms'] as Record<string, ShownEvent[]> | undefined
    const entries = rooms?.[room] ?? []
    t.deepEqual(entries.map(({ type, content }) => [type, content]).toSorted(), [
      ['org.ended', {}],
      ['org.n', { n: 1 }],
    ])
  }
  const after = await ask({}, wide.pos)
  t.deepEqual(
    ['account_data', 'receipts', 'typing'].map(name => roomsOf(after, name)),
    [[], [], []],
    'once',
  )
})

onServer('rooms that came without an extension are told by it once it is asked for', async (t, server) => {
  const [ann, bob] = [await newPerson(server), await newPerson(server)]
  const { dm, room, stir } = await begin(ann, bob)
  await stir()
  const first = await slide(ann, { lists: { direct } })
  const second = await slide(ann, { lists: { direct }, extensions: everywhere({}) }, first.pos)
  for (const name of ['account_data', 'receipts', 'typing']) t.deepEqual(roomsOf(second, name), [dm], name)
  const third = await slide(ann, { lists: { direct, others } }, second.pos)
  t.deepEqual(Object.keys(third.rooms), [room])
  const fourth = await slide(ann, { lists: { direct, others }, extensions: everywhere({}) }, third.pos)
  for (const name of ['account_data', 'receipts', 'typing']) t.deepEqual(roomsOf(fourth, name), [room], name)
})

onServer('whoever was put out of a room is not told what others do there', async (t, server) => {
  const [ann, bob] = [await newPerson(server), await newPerson(server)]
  const room = await roomOf(bob, [ann])
  const lists = { all: { ranges: [[0, 9]], ...config } }
  const first = await slide(ann, { lists })
  await bob.api('POST', `/rooms/${path(room)}/kick`, { user_id: ann.userId })
  const second = await slide(ann, { lists }, first.pos)
  t.is(second.rooms[room]?.membership, 'leave')
  await bob.api('POST', `/rooms/${path(room)}/receipt/m.read/${path(await bob.send(room, 'later'))}`, {})
  await bob.api('PUT', `/rooms/${path(room)}/typing/${path(bob.userId)}`, { typing: true, timeout: 120_000 })
  await ann.setAccountData('org.n', { n: 1 }, room)
  const third = await slide(ann, { lists, extensions: everywhere({}) }, second.pos)
  t.deepEqual(
    ['account_data', 'receipts', 'typing'].map(name => roomsOf(third, name)),
    [[room], [], []],
  )
})

/** What sliding sync tells beside rooms, as Element X asks for it. */
import test from 'ava'
import { newPerson, type ShownEvent, serverTests } from '../../test-kit/people.ts'
import { roomOf } from '../../test-kit/shown.ts'
import { list, type SlidAnswer, slide } from '../../test-kit/sliding-client.ts'

const onServer = serverTests(test)
const path = encodeURIComponent

onServer('extensions: messages to devices, keys, account data, receipts, typing', async (t, server) => {
  const [ann, bob] = [await newPerson(server), await newPerson(server)]
  const roomId = await roomOf(ann, [bob])
  const message = await bob.send(roomId, 'hello')
  const wanted = (since?: string) => ({
    ...list(9),
    extensions: {
      to_device: { enabled: true, ...(since === undefined ? {} : { since }) },
      ...{ e2ee: { enabled: true }, account_data: { enabled: true } },
      ...{ receipts: { enabled: true }, typing: { enabled: true } },
    },
  })
  await ann.setAccountData('org.a', { a: 1 })
  await ann.setAccountData('org.b', { b: 1 }, roomId)
  const first = await slide(ann, wanted())
  const global = first.extensions['account_data']?.['global'] as { type: string }[]
  t.deepEqual(global.map(({ type }) => type).toSorted(), ['m.push_rules', 'org.a'])
  t.deepEqual(first.extensions['account_data']?.['rooms'], {
    [roomId]: [{ type: 'org.b', content: { b: 1 } }],
  })
  t.deepEqual(Object.keys(first.extensions['e2ee'] ?? {}), [
    'device_one_time_keys_count',
    'device_unused_fallback_key_types',
  ])
  const since = String(first.extensions['to_device']?.['next_batch'])
  const waiting = slide(ann, wanted(since), first.pos, 30_000)
  await bob.api('PUT', '/sendToDevice/org.hello/1', { messages: { [ann.userId]: { '*': { hi: 1 } } } })
  const told = await waiting
  t.like(told.extensions['to_device'], { events: [{ type: 'org.hello', content: { hi: 1 } }] })
  const repeated = await slide(ann, wanted(since), told.pos)
  t.like(repeated.extensions['to_device'], { events: [{ type: 'org.hello' }] }, 'until it is acknowledged')
  const next = String(repeated.extensions['to_device']?.['next_batch'])
  await bob.api('PUT', `/rooms/${path(roomId)}/typing/${path(bob.userId)}`, { typing: true, timeout: 30_000 })
  await bob.api('POST', `/rooms/${path(roomId)}/receipt/m.read/${path(message)}`, {})
  await bob.api('POST', `/rooms/${path(roomId)}/receipt/m.read/${path(message)}`, { thread_id: 'main' })
  await ann.setAccountData('org.a', { a: 2 })
  const news = await slide(ann, wanted(next), repeated.pos)
  t.deepEqual(news.extensions['to_device']?.['events'], [])
  t.deepEqual(news.extensions['account_data'], { global: [{ type: 'org.a', content: { a: 2 } }], rooms: {} })
  t.like(news.extensions['typing'], {
    rooms: { [roomId]: { type: 'm.typing', content: { user_ids: [bob.userId] } } },
  })
  const receipts = news.extensions['receipts']?.['rooms'] as Record<string, ShownEvent>
  const read = receipts[roomId]?.content[message] as Record<string, Record<string, object>> | undefined
  t.deepEqual(Object.keys(read ?? {}), ['m.read'])
  t.deepEqual(Object.keys(read?.['m.read']?.[bob.userId] ?? {}), ['ts'], 'that for the whole room')
  t.deepEqual((await slide(ann, list(9), news.pos)).extensions, {}, 'only what is asked for')
})

onServer('what changed before an extension was first asked for is told by it', async (t, server) => {
  const [ann, bob] = [await newPerson(server), await newPerson(server)]
  const roomId = await roomOf(ann, [bob])
  const message = await bob.send(roomId, 'hello')
  const types = (typing: boolean) =>
    bob.api('PUT', `/rooms/${path(roomId)}/typing/${path(bob.userId)}`, { typing, timeout: 30_000 })
  const asking = (...names: string[]) => ({
    ...list(9),
    extensions: Object.fromEntries(names.map(name => [name, { enabled: true }])),
  })
  const first = await slide(ann, list(9))
  await types(true)
  await bob.api('POST', `/rooms/${path(roomId)}/receipt/m.read/${path(message)}`, {})
  const keys = { user_id: bob.userId, device_id: bob.account.deviceId, algorithms: [], signatures: {} }
  const identity = { [`ed25519:${bob.account.deviceId}`]: 'a' }
  await bob.api('POST', '/keys/upload', { device_keys: { ...keys, keys: identity } })
  const second = await slide(ann, list(9), first.pos)
  const third = await slide(ann, asking('typing', 'receipts', 'e2ee'), second.pos)
  t.like(third.extensions['typing'], { rooms: { [roomId]: { content: { user_ids: [bob.userId] } } } })
  t.like(third.extensions['receipts'], { rooms: { [roomId]: { type: 'm.receipt' } } })
  t.deepEqual(third.extensions['e2ee']?.['device_lists'], { changed: [bob.userId], left: [] })
  const fourth = await slide(ann, list(9), third.pos)
  await types(false)
  const fifth = await slide(ann, asking('typing', 'receipts', 'e2ee'), fourth.pos)
  t.like(fifth.extensions['typing'], { rooms: { [roomId]: { content: { user_ids: [] } } } })
  t.deepEqual(fifth.extensions['receipts'], { rooms: {} }, 'once')
  t.is(fifth.extensions['e2ee']?.['device_lists'], undefined)
})

onServer(
  'with whom rooms came to be shared while nobody asked for keys is told once somebody does',
  async (t, server) => {
    const [ann, bob, cleo] = [await newPerson(server), await newPerson(server), await newPerson(server)]
    const roomId = await roomOf(ann, [bob])
    const asking = { ...list(9), extensions: { e2ee: { enabled: true } } }
    const lists = ({ extensions }: SlidAnswer) => extensions['e2ee']?.['device_lists']
    const comeAndGo = async (comes: typeof bob, goes: typeof bob) => {
      await ann.api('POST', `/rooms/${path(roomId)}/invite`, { user_id: comes.userId })
      await comes.api('POST', `/join/${path(roomId)}`, {})
      await goes.api('POST', `/rooms/${path(roomId)}/leave`, {})
    }
    const first = await slide(ann, list(9))
    await comeAndGo(cleo, bob)
    const second = await slide(ann, list(9), first.pos)
    const third = await slide(ann, asking, second.pos)
    t.deepEqual(lists(third), { changed: [cleo.userId], left: [bob.userId] })
    const fourth = await slide(ann, list(9), third.pos)
    await comeAndGo(bob, cleo)
    const fifth = await slide(ann, list(9), fourth.pos)
    const sixth = await slide(ann, asking, fifth.pos)
    t.deepEqual(lists(sixth), { changed: [bob.userId], left: [cleo.userId] })
    t.is(lists(await slide(ann, asking, sixth.pos)), undefined, 'once')
  },
)

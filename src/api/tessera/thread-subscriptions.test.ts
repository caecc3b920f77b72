import test from 'ava'
import { serverTests } from '../../test-kit/people.ts'
import { type Person, registerPerson } from '../../test-kit/person.ts'

type Json = Record<string, unknown>
type Counts = Record<string, { notification_count: number; highlight_count: number }>

const onServer = serverTests(test)
const inThread = (root: string): Json => ({ 'm.relates_to': { rel_type: 'm.thread', event_id: root } })
const subscription = (roomId: string, threadId: string): string =>
  `/_matrix/client/unstable/io.element.msc4306/rooms/${roomId}/thread/${threadId}/subscription`
const CONFLICT = '409 IO.ELEMENT.MSC4306.M_CONFLICTING_UNSUBSCRIPTION'
const NOT_IN_THREAD = '400 IO.ELEMENT.MSC4306.M_NOT_IN_THREAD'

onServer('threads are subscribed to by hand or because of an event, and left', async (t, server) => {
  const [ann, ben, cleo] = [
    await registerPerson(server, 'thread-ann'),
    await registerPerson(server, 'thread-ben'),
    await registerPerson(server, 'thread-cleo'),
  ]
  const features = (await ann.get('/_matrix/client/versions'))['unstable_features'] as Json
  t.true(features['org.matrix.msc4306'])
  const roomId = await ann.createRoom({ invite: [ben.userId] })
  await ben.join(roomId)
  const [root, other] = [await ann.say(roomId, 'root'), await ann.say(roomId, 'other root')]
  const first = await ann.say(roomId, 'first', inThread(root))
  const elsewhere = await ann.say(roomId, 'elsewhere', inThread(other))
  const path = subscription(roomId, root)

  t.is(await ben.code('GET', path), '404 M_NOT_FOUND')
  t.deepEqual(await ben.put(path), {})
  t.deepEqual(await ben.get(path), { automatic: false })
  t.is(await ann.code('GET', path), '404 M_NOT_FOUND', 'nobody else is')
  t.is(await ben.code('PUT', path, { automatic: first }), '200 -')
  t.deepEqual(await ben.get(path), { automatic: false }, 'what the user wants counts')
  for (const _ of ['left', 'again']) t.is(await ben.code('DELETE', path), '200 -')
  t.is(await ben.code('GET', path), '404 M_NOT_FOUND')
  t.is(await ben.code('PUT', path, { automatic: first }), CONFLICT)
  t.is(await ben.code('GET', path), '404 M_NOT_FOUND')
  const later = await ann.say(roomId, 'later', inThread(root))
  t.is(await ben.code('PUT', path, { automatic: later }), '200 -')
  t.deepEqual(await ben.get(path), { automatic: true })
  t.deepEqual(await ben.put(path), {})
  t.deepEqual(await ben.get(path), { automatic: false })

  for (const cause of [elsewhere, root, '$nothing'])
    t.is(await ann.code('PUT', path, { automatic: cause }), NOT_IN_THREAD, cause)
  t.is(await ann.code('PUT', path, { automatic: true }), '400 M_BAD_JSON')
  for (const method of ['GET', 'PUT', 'DELETE']) {
    const body = method === 'PUT' ? {} : undefined
    t.is(await cleo.code(method, path, body), '404 M_NOT_FOUND', 'who is not in the room knows no thread')
    t.is(await ben.code(method, subscription(roomId, '$nothing'), body), '404 M_NOT_FOUND')
    t.is(
      await ben.code(method, subscription(roomId, first), body),
      '404 M_NOT_FOUND',
      'what relates is no root',
    )
  }
})

onServer(
  'who subscribes to threads hears of these, and of others only what is for them',
  async (t, server) => {
    const [ann, ben, cleo] = [
      await registerPerson(server, 'heard-ann'),
      await registerPerson(server, 'heard-ben'),
      await registerPerson(server, 'heard-cleo'),
    ]
    const roomId = await ann.createOpenRoom()
    for (const person of [ben, cleo]) await person.join(roomId)
    const [root, other] = [await ann.say(roomId, 'root'), await ann.say(roomId, 'other root')]
    const kinds = async (person: Person) =>
      Object.keys((await person.get('/pushrules/global/')) as Json).toSorted()
    const five = ['content', 'override', 'room', 'sender', 'underride']
    t.deepEqual(await kinds(ben), five)
    await ben.put(subscription(roomId, root))
    t.deepEqual(await kinds(ben), [...five, 'postcontent'].toSorted())
    t.deepEqual(await kinds(cleo), five, 'nothing changes for those who subscribe to nothing')
    const rule = '/pushrules/global/postcontent'
    t.like(await ben.get(`${rule}/.io.element.msc4306.rule.subscribed_thread`), {
      conditions: [{ kind: 'io.element.msc4306.thread_subscription', subscribed: true }],
      actions: ['notify', { set_tweak: 'sound', value: 'default' }],
    })
    t.is(await ben.code('PUT', `${rule}/mine`, { actions: [] }), '400 M_INVALID_PARAM')

    await ben.put(`/pushrules/global/room/${roomId}`, { actions: [] })
    await ann.say(roomId, 'here', inThread(root))
    await ann.say(roomId, 'there', inThread(other))
    await ann.say(roomId, 'for ben', { ...inThread(other), 'm.mentions': { user_ids: [ben.userId] } })
    const filter = encodeURIComponent(
      JSON.stringify({ room: { rooms: [roomId], timeline: { unread_thread_notifications: true } } }),
    )
    const counts = async (person: Person): Promise<Counts> => {
      const body = await person.get(`/sync?filter=${filter}`)
      const rooms = (body['rooms'] as { join: Record<string, { unread_thread_notifications: Counts }> }).join
      return rooms[roomId]?.unread_thread_notifications ?? {}
    }
    const [one, highlighted] = [
      { notification_count: 1, highlight_count: 0 },
      { notification_count: 1, highlight_count: 1 },
    ]
    t.deepEqual(await counts(ben), { [root]: one, [other]: highlighted })
    t.deepEqual(await counts(cleo), { [root]: one, [other]: { notification_count: 2, highlight_count: 0 } })

    t.is(
      await ben.code('PUT', `${rule}/.io.element.msc4306.rule.subscribed_thread/enabled`, { enabled: false }),
      '200 -',
    )
    await ann.say(roomId, 'here again', inThread(root))
    t.deepEqual((await counts(ben))[root], one, 'the rules can be switched off')
  },
)

onServer('sliding sync tells of changed subscriptions, and the rest is paged through', async (t, server) => {
  const ann = await registerPerson(server, 'sliding-ann')
  const roomId = await ann.createRoom()
  const roots: string[] = []
  for (let index = 0; index < 4; index++) roots.push(await ann.say(roomId, `root ${index}`))
  const [a = '', b = '', c = '', d = ''] = roots
  const name = 'io.element.msc4308.thread_subscriptions'
  const slide = async (limit: number, pos?: string) => {
    const query = pos === undefined ? '' : `?pos=${pos}&timeout=20000`
    const body = await ann.post(`/_matrix/client/unstable/org.matrix.simplified_msc3575/sync${query}`, {
      extensions: { [name]: { enabled: true, limit } },
    })
    const told = (body['extensions'] as Record<string, Json | undefined>)[name]
    return { pos: String(body['pos']), told }
  }
  const idsOf = (changes: Json | undefined, kind: string): string[] =>
    Object.keys(((changes?.[kind] ?? {}) as Record<string, Json>)[roomId] ?? {})
  const list = (query: string) =>
    ann.get(`/_matrix/client/unstable/io.element.msc4308/thread_subscriptions?${query}`)

  t.deepEqual(
    await list('dir=b'),
    { subscribed: {}, unsubscribed: {} },
    'both maps, also where they are empty',
  )
  const begun = await slide(10)
  t.is(begun.told, undefined)
  const waiting = slide(10, begun.pos)
  await ann.put(subscription(roomId, a))
  const woken = await waiting
  t.deepEqual(idsOf(woken.told, 'subscribed'), [a])
  const stamps = woken.told?.['subscribed'] as Record<string, Record<string, Json>>
  t.is(stamps[roomId]?.[a]?.['automatic'], false)
  t.is(woken.told?.['prev_batch'], undefined)

  for (const root of [b, c, d]) await ann.put(subscription(roomId, root))
  await ann.request('DELETE', subscription(roomId, a))
  const many = await slide(2, woken.pos)
  t.deepEqual(idsOf(many.told, 'subscribed'), [d])
  t.deepEqual(idsOf(many.told, 'unsubscribed'), [a], 'the newest of them')
  const rest = await list(`dir=b&from=${String(many.told?.['prev_batch'])}&to=${woken.pos}`)
  t.deepEqual(idsOf(rest, 'subscribed'), [c, b])
  t.is(rest['end'], undefined)

  const page = await list('dir=b&limit=3')
  t.deepEqual([idsOf(page, 'subscribed'), idsOf(page, 'unsubscribed')], [[d, c], [a]])
  const last = await list(`dir=b&limit=3&from=${String(page['end'])}`)
  t.deepEqual([idsOf(last, 'subscribed'), last['end']], [[b], undefined])
  const path = '/_matrix/client/unstable/io.element.msc4308/thread_subscriptions'
  t.is(await ann.code('GET', path), '400 M_MISSING_PARAM')
  for (const query of ['dir=f', 'dir=b&limit=0', 'dir=b&from=nonsense', 'dir=b&to=nonsense'])
    t.is(await ann.code('GET', `${path}?${query}`), '400 M_INVALID_PARAM', query)
})

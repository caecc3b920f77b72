/** How the page at `/` sends what people say. */
import test from 'ava'
import { eventually } from '../src/test-kit/eventually.ts'
import { Api, ApiError } from '../web/api.ts'
import { Outbox } from '../web/outbox.ts'
import { Store } from '../web/store.ts'

const TEA = '!tea'
const CAKE = '!cake'

/** A server that does with messages what a test says, and what it has been asked. */
class ScriptedApi extends Api {
  readonly asked: { id: string; body: unknown }[] = []
  answer: (body: unknown) => Promise<unknown> = async () => undefined

  override async put(where: string, body: Record<string, unknown> = {}): Promise<Record<string, unknown>> {
    this.asked.push({ id: where.split('/').at(-1) ?? '', body: body['body'] })
    return ((await this.answer(body['body'])) ?? { event_id: '$said' }) as Record<string, unknown>
  }
}

const start = () => {
  const api = new ScriptedApi()
  const store = new Store('@alice:tea.test')
  store.update({ rooms: { join: { [TEA]: {} } } })
  const outbox = new Outbox(api, store)
  const waiting = (): string[] => outbox.of(TEA).map(({ body }) => body)
  return {
    api,
    store,
    outbox,
    waiting,
    allSent: () => eventually('all is sent', () => waiting().length === 0),
  }
}

test('messages wait for a server that is away, and are said once, in their order', async t => {
  const { api, outbox, waiting, allSent } = start()
  let isAway = true
  api.answer = async () => {
    if (isAway) throw new Error('not reached')
  }
  for (const body of ['one', 'two', 'three']) outbox.add(TEA, body)
  await eventually('the server is asked', () => api.asked.length > 0)
  t.deepEqual(waiting(), ['one', 'two', 'three'])
  isAway = false
  outbox.resume()
  await allSent()
  t.deepEqual([...new Set(api.asked.map(({ body }) => body))], ['one', 'two', 'three'])
  const first = api.asked.filter(({ body }) => body === 'one').map(({ id }) => id)
  t.is(new Set(first).size, 1, 'a message that the server may have taken is sent under the same ID')
  t.is(new Set(api.asked.map(({ id }) => id)).size, 3)
})

test('a message that is refused stays with the reason, and holds up no other', async t => {
  const { api, outbox, waiting, allSent } = start()
  api.answer = async body => {
    if (body === 'bad') throw new ApiError(403, { errcode: 'M_FORBIDDEN', error: 'You may not' })
  }
  outbox.add(TEA, 'bad')
  outbox.add(TEA, 'good')
  await eventually(
    'one is refused, the other sent',
    () => waiting().join() === 'bad' && outbox.of(TEA)[0]?.problem !== undefined,
  )
  const [refused] = outbox.of(TEA)
  if (refused === undefined) throw new Error('nothing is left')
  t.is(refused.problem, 'You may not')
  api.answer = async () => undefined
  outbox.again(refused)
  await allSent()
  t.deepEqual(
    api.asked.map(({ body }) => body),
    ['bad', 'good', 'bad'],
  )
})

test('a message that cannot be sent to one room holds up none to another', async t => {
  const { api, outbox, waiting, allSent } = start()
  let isAway = true
  api.answer = async body => {
    if (isAway && body !== 'cake') throw new ApiError(502, { errcode: 'M_CONNECTION_FAILED' })
  }
  outbox.add(TEA, 'tea')
  outbox.add(TEA, 'more tea')
  outbox.add(CAKE, 'cake')
  await eventually('the other room has it', () => outbox.of(CAKE).length === 0)
  t.deepEqual(waiting(), ['tea', 'more tea'])
  isAway = false
  outbox.resume()
  await allSent()
  const asked = api.asked.map(({ body }) => body)
  t.true(asked.lastIndexOf('tea') < asked.indexOf('more tea'), 'in the order in which it was written')
})

test('nothing is sent in clear into a room that has become encrypted meanwhile', async t => {
  const { api, store, outbox, waiting } = start()
  let refuse: () => void = () => undefined
  api.answer = () => new Promise((_, reject) => (refuse = () => reject(new Error('not reached'))))
  outbox.add(TEA, 'secret')
  await eventually('the server is asked', () => api.asked.length === 1)
  const encryption = { type: 'm.room.encryption', state_key: '', event_id: '$e', content: { algorithm: 'x' } }
  store.update({ rooms: { join: { [TEA]: { state: { events: [encryption] } } } } })
  refuse()
  await eventually('it is refused', () => outbox.of(TEA)[0]?.problem !== undefined)
  t.is(api.asked.length, 1)
  t.deepEqual(waiting(), ['secret'], 'the text is not lost')
  for (const left of outbox.of(TEA)) outbox.discard(left)
  t.deepEqual(waiting(), [])
})

test('a message that has come back is not shown a second time', async t => {
  const { api, store, outbox, waiting, allSent } = start()
  let answer: (value?: unknown) => void = () => undefined
  api.answer = () => new Promise(resolve => (answer = resolve))
  outbox.add(TEA, 'hello')
  await eventually('the server is asked', () => api.asked.length === 1)
  const said = { type: 'm.room.message', event_id: '$1', unsigned: { transaction_id: api.asked[0]?.id } }
  store.update({ rooms: { join: { [TEA]: { timeline: { events: [said] } } } } })
  t.deepEqual(waiting(), [])
  answer()
  await allSent()
})

test('what answers in the place of the server has not taken a message', async t => {
  const { api, outbox, waiting, allSent } = start()
  api.answer = async () => ({})
  outbox.add(TEA, 'hello')
  await eventually('it is said again', () => api.asked.length > 1)
  t.deepEqual(waiting(), ['hello'])
  api.answer = async () => undefined
  outbox.resume()
  await allSent()
  t.is(new Set(api.asked.map(({ id }) => id)).size, 1)
})

test('while the page hears nothing of the room, nothing is said in it', async t => {
  const { api, store, outbox, waiting, allSent } = start()
  store.trouble = 'The server cannot be reached'
  outbox.add(TEA, 'hello')
  t.is(api.asked.length, 0)
  t.deepEqual(waiting(), ['hello'])
  store.trouble = undefined
  outbox.resume()
  await allSent()
  t.is(api.asked.length, 1)
})

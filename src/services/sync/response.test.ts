import test from 'ava'
import type { Answer } from '../answer.ts'
import type { Body } from '../body.ts'
import { inOrder, respond, type Section } from './response.ts'

async function* sectionsOf(...all: Section[]): AsyncGenerator<Section, void> {
  yield* all
}

const textOf = async (make: () => Answer<Body>): Promise<string> => {
  const body = await make()
  if (typeof body === 'string') return body
  let text = ''
  for await (const piece of body) text += piece
  return text
}

const always = async () => ['"next_batch":"s1"']

test('rooms are put into their parts', async t => {
  const sections = sectionsOf(
    { part: 'join', roomId: '!a', text: '{"x":1}' },
    { part: 'join', roomId: '!"b', text: '{"x":2}' },
    { part: 'leave', roomId: '!c', text: '{"x":3}' },
  )
  const { isEmpty, body } = await respond({ always, members: ['"a":1'], sections })
  t.false(isEmpty)
  t.deepEqual(JSON.parse(await textOf(body)), {
    next_batch: 's1',
    a: 1,
    rooms: { join: { '!a': { x: 1 }, '!"b': { x: 2 } }, leave: { '!c': { x: 3 } } },
  })
})

test('only news make a response worth giving', async t => {
  const none = await respond({ always, members: [], sections: sectionsOf() })
  t.true(none.isEmpty)
  t.is(await none.body(), '{"next_batch":"s1"}')
  t.false((await respond({ always, members: ['"a":1'], sections: sectionsOf() })).isEmpty)
  const section: Section = { part: 'invite', roomId: '!a', text: '{}' }
  t.false((await respond({ always, members: [], sections: sectionsOf(section) })).isEmpty)
})

test('what is large is made while it is taken', async t => {
  let made = 0
  async function* many(): AsyncGenerator<Section, void> {
    for (; made < 1000; made++)
      yield { part: 'join', roomId: `!${made}`, text: `{"x":"${'x'.repeat(1000)}"}` }
  }
  const { isEmpty, body } = await respond({ always, members: [], sections: many() })
  t.false(isEmpty)
  t.is(made, 0, 'nothing before it is wanted')
  const { rooms } = JSON.parse(await textOf(body)) as { rooms: { join: object } }
  t.is(Object.keys(rooms.join).length, 1000)
})

test('whoever stops reading stops the making', async t => {
  let isEnded = false
  async function* many(): AsyncGenerator<Section, void> {
    try {
      for (let n = 0; ; n++) yield { part: 'join', roomId: `!${n}`, text: 'x'.repeat(10_000) }
    } finally {
      isEnded = true
    }
  }
  const body = await (await respond({ always, members: [], sections: many() })).body()
  if (typeof body === 'string') return t.fail()
  for await (const piece of body) if (piece.length > 0) break
  t.true(isEnded)
})

test('results come in order, with some ahead', async t => {
  const started: number[] = []
  const results = inOrder([1, 2, 3, 4, 5], 2, async n => {
    started.push(n)
    if (n === 4) throw new Error('four')
    return n * 10
  })
  t.deepEqual(await results.next(), { done: false, value: 10 })
  t.deepEqual(started, [1, 2])
  t.deepEqual((await results.next()).value, 20)
  t.deepEqual((await results.next()).value, 30)
  await t.throwsAsync(results.next(), { message: 'four' })
})

test('more is begun while the first is waited for, unless it is much', async t => {
  const items = Array.from({ length: 100 }, (_, n) => n)
  for (const [length, most] of [
    [1, 20],
    [2_000_000, 9],
  ] as const) {
    let begun = 0
    const { promise: opened, resolve: open } = Promise.withResolvers<void>()
    const run = async (n: number): Promise<number> => {
      begun += 1
      if (n === 0) await opened
      return n
    }
    const results = inOrder(items, 20, run, () => length)
    const first = results.next()
    for (let turns = 0; turns < 30; turns++) await new Promise(resolve => setImmediate(resolve))
    t.true(begun <= most && begun > most / 2, `${begun}`)
    open()
    t.is((await first).value, 0)
    const rest: number[] = []
    for await (const n of results) rest.push(n)
    t.deepEqual(rest, items.slice(1))
  }
})

test('what is there at once is taken before more is begun', async t => {
  let begun = 0
  const results = inOrder(Array.from({ length: 100 }), 20, async () => ++begun)
  t.is((await results.next()).value, 1)
  t.is(begun, 8)
})

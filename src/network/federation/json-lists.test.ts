import test from 'ava'
import { canonicalJson } from '../../core/canonical-json.ts'
import type { JsonValue } from '../../core/json.ts'
import { SeededRandom } from '../../test-kit/seeded-random.ts'
import { readLists } from './json-lists.ts'
import { ShapeError } from './shape.ts'

const inPieces = (text: string, size: number) => {
  const bytes = Buffer.from(text)
  return (async function* () {
    for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size)
  })()
}

const read = async (text: string, size = 3, names = ['state', 'auth_chain']) => {
  const { rest, lists } = await readLists(inPieces(text, size), names)
  return { rest, lists: Object.fromEntries(lists) }
}

test('large lists are read element by element, all else as it is', async t => {
  const text =
    '{ "event": {"state":[1]}, "state": [ {"a":"]},{\\"[","b":[[1,2],{"c":[]}]} , null, "x,y]", 1.5 ],\n' +
    '"members_omitted":true,"auth_chain":[],"servers_in_room":["é,]"] }'
  const expected = {
    rest: {
      event: { state: [1] },
      state: [],
      members_omitted: true,
      auth_chain: [],
      servers_in_room: ['é,]'],
    },
    lists: { state: [{ a: ']},{"[', b: [[1, 2], { c: [] }] }, null, 'x,y]', 1.5], auth_chain: [] },
  }
  for (const size of [1, 2, 3, 7, 1_000]) t.deepEqual(await read(text, size), expected, `pieces of ${size}`)
})

test('what is no JSON is refused', async t => {
  const broken = [
    '',
    '{"state":[',
    '{"state":[{}',
    '{"state":[{}]',
    '{"state":[,]}',
    '{"state":[{},]}',
    '{"state":[{},,{}]}',
    '{"state":[{"a":}]}',
    '{"state":[{}]]}',
    '{"state":[}]}',
    '{"state":[{]}]}',
    '{"state" [{}]}',
    '{"state":[{}]} x',
    '{"a":"\n"}',
  ]
  for (const text of broken) await t.throwsAsync(read(text), { instanceOf: ShapeError }, text)
  await t.throwsAsync(readLists(inPiecesOf(Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x7d])), ['state']), {
    instanceOf: ShapeError,
  })
})

test('no more is read than anybody has to say', async t => {
  const dense = Buffer.from('[],'.repeat(100_000))
  const many = async function* () {
    yield Buffer.from('{"state":[')
    for (let i = 0; i < 150; i++) yield dense
    yield Buffer.from('[]]}')
  }
  const tooMany = await t.throwsAsync(readLists(many(), ['state']), { instanceOf: ShapeError })
  t.regex(tooMany.message, /more than 10000000 values/)
  const besides = `{"other":[${'"x",'.repeat(300_000)}"x"],"state":[]}`
  await t.throwsAsync(read(besides, 100_000), { instanceOf: ShapeError, message: /besides/ })

  const huge = JSON.stringify('x'.repeat(300_000))
  for (const size of [1_000, 1_000_000]) {
    const { lists } = await read(`{"state":[1,${huge},2,${huge}],"auth_chain":[${huge}]}`, size)
    t.deepEqual(lists, { state: [1, 2], auth_chain: [] }, 'larger than any event')
  }
  const most = (count: number) =>
    readLists(inPieces('{"state":[1,2,3],"auth_chain":[4]}', 5), ['state'], count)
  t.deepEqual((await most(3)).lists.get('state'), [1, 2, 3])
  await t.throwsAsync(most(2), { instanceOf: ShapeError, message: /more than 2/ })

  const long = await read(`{"state":[${'0,'.repeat(1_000_005)}0]}`, 65_536)
  t.is(long.lists['state']?.length, 1_000_000)
})

async function* inPiecesOf(bytes: Buffer) {
  yield bytes
}

test('any object reads the same as in one piece', async t => {
  const seeded = new SeededRandom(7)
  const random = (): number => seeded.fraction()
  const pick = <T>(of: readonly T[]): T => of[Math.floor(random() * of.length)] as T
  const value = (depth: number): JsonValue => {
    const kind = random()
    if (depth > 3 || kind < 0.4) return pick<JsonValue>(['a"]', '\\', '[{', 1, null, true, '', 'ü😀'])
    if (kind < 0.7) return Array.from({ length: Math.floor(random() * 4) }, () => value(depth + 1))
    return Object.fromEntries(
      Array.from({ length: Math.floor(random() * 4) }, () => [
        pick(['state', 'x"', 'auth_chain', '{']),
        value(depth + 1),
      ]),
    )
  }
  for (let round = 0; round < 200; round++) {
    const object = { pre: value(0), state: [value(0), value(0)], auth_chain: [value(1)], post: value(0) }
    const text = round % 2 === 0 ? canonicalJson(object) : JSON.stringify(object, null, 1)
    const { rest, lists } = await read(text, 1 + Math.floor(random() * 20))
    t.deepEqual(rest, { ...object, state: [], auth_chain: [] })
    t.deepEqual(lists, { state: object.state, auth_chain: object.auth_chain })
  }
})

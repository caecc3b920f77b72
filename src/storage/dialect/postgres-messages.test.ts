import test from 'ava'
import { testPostgres } from '../../test-kit/database.ts'
import { PostgresMessages } from './postgres-messages.ts'

/** Reads messages: the type of each, and what follows its length. */
const read = (bytes: Buffer): [type: string, body: string][] => {
  const found: [string, string][] = []
  for (let at = 0; at < bytes.length; ) {
    const end = at + 1 + bytes.readInt32BE(at + 1)
    found.push([String.fromCharCode(bytes[at] ?? 0), bytes.toString('latin1', at + 5, end)])
    at = end
  }
  return found
}

test('messages are as the protocol has them', t => {
  const messages = new PostgresMessages()
  messages.close('s1')
  messages.parse('s1', 'SELECT $1')
  messages.bind('s1', ['é', null, ''])
  messages.describe()
  messages.execute()
  messages.bind('', [Buffer.from([0, 255]), '1'])
  messages.sync()
  t.deepEqual(read(messages.take()), [
    ['C', 'Ss1\0'],
    ['P', 's1\0SELECT $1\0\0\0'],
    ['B', '\0s1\0\0\0\0\x03\0\0\0\x02\xc3\xa9\xff\xff\xff\xff\0\0\0\0\0\0'],
    ['D', 'P\0'],
    ['E', '\0\0\0\0\0'],
    ['B', '\0\0\0\x02\0\x01\0\0\0\x02\0\0\0\x02\0\xff\0\0\0\x011\0\0'],
    ['S', ''],
  ])
  messages.sync()
  t.deepEqual(read(messages.take()), [['S', '']], 'what was taken is not there any more')
})

test('what could not be finished does not go out with what follows', t => {
  const messages = new PostgresMessages()
  messages.parse('s1', 'SELECT 1')
  t.throws(
    () =>
      messages.bind(
        's1',
        Array.from({ length: 65_536 }, () => null),
      ),
    { instanceOf: RangeError },
  )
  messages.begin()
  messages.sync()
  t.deepEqual(read(messages.take()), [['S', '']])
})

testPostgres(test, 'what is written is what is read, of any length', async (t, database) => {
  const echo = database.prepare('SELECT CAST(? AS text) AS text, CAST(? AS bytea) AS bytes')
  const texts = [
    '',
    'a',
    'ü'.repeat(24),
    'x'.repeat(25),
    '💙'.repeat(30_000),
    'y'.repeat(3_000_000),
    '\\"\n\0',
  ]
  const rows = texts.map((text, index) => ({ text, bytes: new Uint8Array(index * 50_000).fill(index) }))
  const found = await Promise.all(rows.map(({ text, bytes }) => database.get(echo, [text, bytes])))
  t.deepEqual(found, rows)
  t.deepEqual(await database.get(echo, [null, null]), { text: null, bytes: null })
})

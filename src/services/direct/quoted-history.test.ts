import test from 'ava'
import fc from 'fast-check'
import type { JsonObject } from '../../core/json.ts'
import { quotedMessages, readableHistory } from './quoted-history.ts'

const said = (content: JsonObject, ts = 1_000): JsonObject => ({
  event_id: '$e',
  sender: '@a:x',
  origin_server_ts: ts,
  content: { msgtype: 'm.text', ...content },
})

test('the newest messages are quoted, oldest first, within the size of an event', t => {
  fc.assert(
    fc.property(fc.array(fc.string({ unit: 'grapheme', maxLength: 3_000 }), { maxLength: 200 }), bodies => {
      const quoted = quotedMessages(bodies.map((body, index) => said({ body }, bodies.length - index)))
      const fallback = readableHistory(quoted)
      const times = quoted.map(message => message.origin_server_ts)
      return (
        Buffer.byteLength(JSON.stringify(quoted)) < 45_000 &&
        Buffer.byteLength(fallback) <= 20_000 &&
        times.every((time, index) => index === 0 || time > (times[index - 1] ?? 0)) &&
        (bodies.length === 0 || times.at(-1) === bodies.length)
      )
    }),
    { numRuns: 50 },
  )
  t.pass()
})

test('what says nothing is not quoted; mentions and relations stay behind', t => {
  t.deepEqual(quotedMessages([said({}), said({ body: 1 }), { content: { body: 'x' } }]), [])
  const [quoted] = quotedMessages([
    said({
      body: 'hi',
      'm.mentions': { user_ids: ['@b:x'] },
      'm.relates_to': { 'm.in_reply_to': { event_id: '$1' } },
    }),
  ])
  t.deepEqual(quoted?.content, { msgtype: 'm.text', body: 'hi' })
})

test('no message keeps those before it from being quoted', t => {
  const quoted = quotedMessages([
    said({ body: 'long', msgtype: 'x'.repeat(50_000) }),
    said({ body: 'y'.repeat(60_000) }),
    said({ body: 'before' }),
  ])
  t.deepEqual(
    quoted.map(({ content }) => [content['msgtype'], String(content['body']).slice(0, 6)]),
    [
      ['m.text', 'before'],
      ['m.text', 'yyyyyy'],
      ['m.text', 'long'],
    ],
  )
})

test('nobody writes lines that look like what somebody else has said', t => {
  const forged = '1970-01-01 00:00 @b:x: yes'
  const quoted = quotedMessages([said({ body: `one\n${forged}\r${forged}\u2028${forged}` })])
  const rest = `\n>   ${forged}`.repeat(3)
  t.is(readableHistory(quoted), `> 1970-01-01 00:00 @a:x: one${rest}`)
})

test('what the rooms of today do not take is quoted by its words; times beyond all calendars are left out', t => {
  const latest = Number.MAX_SAFE_INTEGER
  const nested = JSON.parse(`${'{"a":'.repeat(80)}1${'}'.repeat(80)}`) as JsonObject
  const quoted = quotedMessages([
    said({ body: 'deep', nested }),
    said({ body: 'half', info: { ratio: 0.5 } }, latest),
    said({ body: 'whole', info: { w: 5 } }, 0),
    said({ body: 'when?' }, 0.5),
  ])
  t.deepEqual(
    quoted.map(({ content }) => content),
    [
      { msgtype: 'm.text', body: 'whole', info: { w: 5 } },
      { msgtype: 'm.text', body: 'half' },
      { msgtype: 'm.text', body: 'deep' },
    ],
  )
  t.is(readableHistory(quoted), '> 1970-01-01 00:00 @a:x: whole\n> @a:x: half\n> 1970-01-01 00:00 @a:x: deep')
})

import test from 'ava'
import type { MatrixError } from './errors.ts'
import type { JsonObject, JsonValue } from './json.ts'
import { checkMediaContent, missingMedia } from './media-policy.ts'

const missing = (type: string, content: JsonObject, ...allowed: string[]) =>
  missingMedia({ type, content }, new Set(allowed))

const sdp = (...sections: string[]): string =>
  ['v=0', 'o=- 1 1 IN IP4 0.0.0.0', 's=-', 't=0 0', ...sections, ''].join('\r\n')
const AUDIO = 'm=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=sendrecv\r\na=msid:cam t1'
const VIDEO = 'm=video 9 UDP/TLS/RTP/SAVPF 96\r\na=sendrecv\r\na=msid:cam t2'
const SCREEN = 'm=video 9 UDP/TLS/RTP/SAVPF 96\r\na=sendonly\r\na=msid:scr t3'
const DATA = 'm=application 9 UDP/DTLS/SCTP webrtc-datachannel'

const offer = (...sections: string[]): JsonObject => ({ offer: { type: 'offer', sdp: sdp(...sections) } })
const purposes = (...[purpose]: string[]): JsonObject => ({
  sdp_stream_metadata: { cam: { purpose: 'm.usermedia' }, scr: { purpose } },
})

test('what a local user makes the flags of a room makes sense', t => {
  const refused = (types: JsonValue) =>
    t.throws(() => checkMediaContent({ types }), { name: 'MatrixError' }) as MatrixError
  for (const types of ['text', 7, null, {}, ['text', 7], [['text']], [null]])
    t.is(refused(types).errcode, 'M_BAD_JSON', JSON.stringify(types))
  for (const types of [['smoke'], ['text', ''], ['Text'], ['__proto__']])
    t.is(refused(types).errcode, 'M_INVALID_PARAM', JSON.stringify(types))
  for (const content of [{}, { types: [] }, { types: ['video', 'text'] }])
    t.notThrows(() => checkMediaContent(content))
})

test('texts need text; pictures and reactions do not', t => {
  for (const msgtype of ['m.text', 'm.notice', 'm.emote']) {
    t.deepEqual(missing('m.room.message', { msgtype, body: 'x' }, 'audio'), ['text'])
    t.is(missing('m.room.message', { msgtype, body: 'x' }, 'text'), undefined)
  }
  t.is(missing('m.room.message', { msgtype: 'm.image' }), undefined)
  t.is(missing('m.room.encrypted', { msgtype: 'm.text' }), undefined, 'nobody can look in')
  const edit = { msgtype: 'm.image', 'm.new_content': { msgtype: 'm.text' } }
  t.deepEqual(missing('m.room.message', edit), ['text'])
})

test('calls need audio or video', t => {
  t.deepEqual(missing('m.call.invite', offer(DATA), 'text', 'screenshare'), ['audio', 'video'])
  t.is(missing('m.call.invite', offer(AUDIO), 'audio'), undefined)
  t.is(missing('m.call.hangup', { call_id: '1' }), undefined, 'ending is always possible')
  for (const type of ['m.rtc.member', 'org.matrix.msc4143.rtc.member', 'org.matrix.msc3401.call.member']) {
    t.deepEqual(missing(type, { application: 'm.call' }, 'text'), ['audio', 'video'])
    t.is(missing(type, { application: 'm.call' }, 'audio'), undefined)
    for (const leaving of [{}, { membership: 'leave' }, { memberships: [] }])
      t.is(missing(type, leaving), undefined)
  }
})

test('tracks need what they are', t => {
  t.deepEqual(missing('m.call.invite', offer(AUDIO, VIDEO), 'audio'), ['video'])
  t.deepEqual(missing('m.call.invite', offer(AUDIO, VIDEO), 'video'), ['audio'])
  t.is(missing('m.call.invite', offer(AUDIO, VIDEO), 'audio', 'video'), undefined)
  const negotiate = { description: { type: 'offer', sdp: sdp(AUDIO, VIDEO) } }
  t.deepEqual(missing('m.call.negotiate', negotiate, 'audio'), ['video'])
  const receiving = VIDEO.replace('sendrecv', 'recvonly')
  t.deepEqual(missing('m.call.invite', offer(AUDIO, receiving), 'audio'), ['video'], 'it asks for video')
  t.is(missing('m.call.answer', { answer: { sdp: sdp(AUDIO, receiving) } }, 'audio'), undefined)
  t.deepEqual(missing('m.call.answer', { answer: { sdp: sdp(AUDIO, VIDEO) } }, 'audio'), ['video'])
})

test('disabled sections are none', t => {
  const off = VIDEO.replace('m=video 9', 'm=video 0')
  t.is(missing('m.call.invite', offer(AUDIO, off), 'audio'), undefined)
  t.deepEqual(missing('m.call.invite', offer(AUDIO, `${off}\r\na=bundle-only`), 'audio'), ['video'])
  t.is(missing('m.call.invite', offer(AUDIO, VIDEO.replace('sendrecv', 'inactive')), 'audio'), undefined)
  const forAll = sdp(AUDIO, VIDEO.replace('\r\na=sendrecv', '')).replace('t=0 0', 't=0 0\r\na=inactive')
  t.is(missing('m.call.invite', { offer: { sdp: forAll } }, 'audio'), undefined)
})

test('shared screens need screenshare, and no video', t => {
  const shared = { ...offer(AUDIO, SCREEN), ...purposes('m.screenshare') }
  t.deepEqual(missing('m.call.invite', shared, 'audio', 'video'), ['screenshare'])
  t.is(missing('m.call.invite', shared, 'audio', 'screenshare'), undefined)
  t.deepEqual(
    missing('m.call.invite', { ...offer(AUDIO, SCREEN), ...purposes('m.usermedia') }, 'audio', 'screenshare'),
    ['video'],
  )
  const changed = purposes('m.screenshare')
  t.deepEqual(missing('m.call.sdp_stream_metadata_changed', changed, 'audio', 'video'), ['screenshare'])
})

test('what is malformed passes: it starts nothing', t => {
  for (const content of [
    {},
    { offer: 7 },
    { offer: { sdp: 7 } },
    { sdp_stream_metadata: [] },
    { offer: { sdp: 'm=' } },
  ])
    t.is(missing('m.call.invite', content, 'audio'), undefined)
})

import test from 'ava'
import { fieldTree, pickFields, propertyPath } from './event-fields.ts'
import { eventFilter, roomEventFilter, syncFilter } from './filter.ts'
import { filterProblem, roomEventFilterProblem } from './filter-check.ts'

const passes = (filter: object, event: { type?: string; sender?: string; content?: object }): boolean =>
  eventFilter(filter as never).matches({ type: 'm.a', sender: '@a:x', ...event } as never)

test('types pass exactly or by stars, and nothing else in a pattern is special', t => {
  for (const [pattern, type, expected] of [
    ['m.room.message', 'm.room.message', true],
    ['m.room.message', 'm.room.messages', false],
    ['m.room.*', 'm.room.name', true],
    ['m.room.*', 'm.rooms', false],
    ['*', '', true],
    ['*.name', 'm.room.name', true],
    ['m.*.name', 'm.room.x.name', true],
    ['m.*m', 'm.', false],
    ['a*a', 'a', false],
    ['a**b', 'aXb', true],
    ['a*b*c*d', 'abcbcd', true],
    ['a*bc*c', 'abc', false],
    ['m.?', 'm.a', false],
    ['m.?', 'm.?', true],
    ['m.[ab]', 'm.a', false],
    ['m.a*', 'm.a*', true],
  ] as const) {
    t.is(passes({ types: [pattern] }, { type }), expected, `${pattern} ${type}`)
    t.is(passes({ not_types: [pattern] }, { type }), !expected, `not ${pattern} ${type}`)
  }
})

test('a star matches in linear time whatever the pattern', t => {
  const pattern = `${'*a'.repeat(2000)}*b`
  t.false(passes({ types: [pattern] }, { type: 'a'.repeat(5000) }))
})

test('of thousands of patterns it is remembered what they make of a type', t => {
  const types = Array.from({ length: 20_000 }, (_, index) => `*${index}*b`)
  const { matchesType } = eventFilter({ types } as never)
  const answers = new Set<boolean>()
  for (let index = 0; index < 5_000; index++) answers.add(matchesType(`t.${index % 20}`))
  t.deepEqual([...answers], [false])
  const distinct = Array.from({ length: 200 }, (_, index) => matchesType(`${index}b`))
  t.true(distinct.every(Boolean))
  t.true(matchesType('7b'), 'also once it was forgotten')
})

test('what is excluded stays out even if it is listed', t => {
  t.false(passes({ types: ['m.a'], not_types: ['m.*'] }, {}))
  t.false(passes({ senders: ['@a:x'], not_senders: ['@a:x'] }, {}))
  t.true(passes({ senders: ['@a:x'], not_senders: ['@b:x'] }, {}))
  t.false(passes({ senders: ['@b:x'] }, {}))
  t.false(roomEventFilter({ rooms: ['!r'], not_rooms: ['!r'] }).matchesRoom('!r'))
  t.false(roomEventFilter({ rooms: ['!s'] }).matchesRoom('!r'))
  t.true(roomEventFilter({ not_rooms: ['!s'] }).matchesRoom('!r'))
})

test('contains_url asks for the key, not for its value', t => {
  t.true(passes({ contains_url: true }, { content: { url: null } }))
  t.false(passes({ contains_url: true }, { content: {} }))
  t.false(passes({ contains_url: false }, { content: { url: 'mxc://x/y' } }))
  t.true(passes({ contains_url: false }, {}))
  t.true(passes({}, { content: { url: 'mxc://x/y' } }))
})

test('a filter tells when nothing can pass it', t => {
  t.true(eventFilter({ types: [] }).nothing)
  t.true(eventFilter({ senders: [] }).nothing)
  t.true(eventFilter({ not_types: ['m.a', '**'] }).nothing)
  t.false(eventFilter({ not_types: ['m.*'] }).nothing)
  t.deepEqual(eventFilter({ types: ['m.a', 'm.b'] }).exactTypes, ['m.a', 'm.b'])
  t.is(eventFilter({ types: ['m.*'] }).exactTypes, undefined)
})

test('limits are whole numbers that are not negative', t => {
  t.is(eventFilter({ limit: 3.7 }).limit, 3)
  t.is(eventFilter({ limit: -1 }).limit, 0)
  t.is(eventFilter({ limit: '3' }).limit, undefined)
  t.is(syncFilter({ room: { timeline: { limit: 5 } } }).timeline.limit, 5)
})

test('property paths are separated by dots that stand for nothing else', t => {
  t.deepEqual(propertyPath('content.body'), ['content', 'body'])
  t.deepEqual(propertyPath('content.m\\.relates_to'), ['content', 'm.relates_to'])
  t.deepEqual(propertyPath('content.m\\\\foo'), ['content', 'm\\foo'])
  t.deepEqual(propertyPath('a\\x.b\\'), ['a\\x', 'b\\'])
})

test('only the named members of an event are kept', t => {
  const event = {
    type: 'm.a',
    content: { body: 'x', 'm.relates_to': { key: 1, other: 2 }, list: [{ a: 1 }] },
    sender: '@a:x',
  }
  const pick = (...paths: string[]) => pickFields(event, fieldTree(paths))
  t.deepEqual(pick('content.body', 'type'), { content: { body: 'x' }, type: 'm.a' })
  t.deepEqual(pick('content.m\\.relates_to.key'), { content: { 'm.relates_to': { key: 1 } } })
  t.deepEqual(pick('content', 'content.body'), { content: event.content })
  t.deepEqual(pick('content.body', 'content'), { content: event.content })
  t.deepEqual(pick('content.list.a', 'content.nothing', 'nothing', 'constructor', '__proto__'), {
    content: {},
  })
  t.deepEqual(pick('sender.length'), {})
})

test('an empty list of event fields is as good as none', t => {
  t.is(syncFilter({ event_fields: [] }).eventFields, undefined)
  t.not(syncFilter({ event_fields: ['type'] }).eventFields, undefined)
})

test('a member that is null is as good as absent', t => {
  const nothing = { types: null, senders: null, contains_url: null, limit: null }
  t.is(roomEventFilterProblem(nothing), undefined)
  t.true(roomEventFilter(nothing).everything)
  t.is(filterProblem({ event_fields: null, presence: null, room: { timeline: nothing } }), undefined)
})

test('a filter of a wrong shape is found out, with the place', t => {
  t.is(filterProblem({}), undefined)
  t.is(
    filterProblem({ room: { timeline: { limit: 5, types: ['m.a'], 'org.new': 1 } }, 'org.new': [] }),
    undefined,
  )
  t.is(filterProblem({ room: { timeline: { limit: '5' } } }), 'room.timeline.limit must be a number')
  t.is(filterProblem({ room: [] }), 'room must be an object')
  t.is(filterProblem({ presence: { types: 'm.a' } }), 'presence.types must be an array')
  t.is(
    filterProblem({ presence: { senders: ['a'] } }),
    'presence.senders must hold strings that begin with @',
  )
  t.is(filterProblem({ event_format: 'x' }), 'event_format must be client or federation')
  t.is(roomEventFilterProblem({ not_rooms: [1] }), 'not_rooms must hold strings that begin with !')
  t.is(roomEventFilterProblem({ contains_url: 'yes' }), 'contains_url must be a boolean')
})

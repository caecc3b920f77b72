import test from 'ava'
import type { JsonObject } from './json.ts'
import { alternativeAliases, type ContentOf, mediaTypes, summarise } from './room-summary.ts'
import { roomVersions } from './room-versions.ts'
import { compareChildren, readSpaceChild, type SpaceChild } from './space-children.ts'

const version = (id: string) => {
  const found = roomVersions.get(id)
  if (found === undefined) throw new Error(`no version ${id}`)
  return found
}
const state =
  (contents: Record<string, JsonObject>): ContentOf =>
  type =>
    contents[type]

test('a summary says what is set, and what holds where nothing is', t => {
  t.deepEqual(summarise(state({}), version('12')), {
    join_rule: 'invite',
    world_readable: false,
    guest_can_join: false,
    room_version: '12',
  })
  const allow = [
    { type: 'm.room_membership', room_id: '!a:x' },
    { type: 'other', room_id: '!b:x' },
    'nonsense',
  ]
  const contents = {
    'm.room.create': { type: 'm.space' },
    'm.room.name': { name: 'Name' },
    'm.room.topic': { topic: 'Topic' },
    'm.room.avatar': { url: 'mxc://x/y' },
    'm.room.canonical_alias': { alias: '#a:x', alt_aliases: ['#b:x', 'nonsense', 7] },
    'm.room.join_rules': { join_rule: 'restricted', allow },
    'm.room.history_visibility': { history_visibility: 'world_readable' },
    'm.room.guest_access': { guest_access: 'can_join' },
    'm.room.encryption': { algorithm: 'org.example.cipher' },
    'chat.tessera.room.media': { types: ['text', 'smoke signals'] },
  }
  t.deepEqual(summarise(state(contents), version('8')), {
    name: 'Name',
    topic: 'Topic',
    avatar_url: 'mxc://x/y',
    canonical_alias: '#a:x',
    allowed_room_ids: ['!a:x'],
    room_type: 'm.space',
    encryption: 'org.example.cipher',
    join_rule: 'restricted',
    world_readable: true,
    guest_can_join: true,
    room_version: '8',
  })
  t.is(
    summarise(state(contents), version('7')).allowed_room_ids,
    undefined,
    'nothing is restricted before v8',
  )
  t.deepEqual(alternativeAliases(state(contents)), ['#b:x'])
  t.deepEqual(mediaTypes(state(contents)), ['text'])
  t.is(mediaTypes(state({})).length, 4)
})

test('members of a wrong type are as good as absent', t => {
  const contents = {
    'm.room.name': { name: 7 },
    'm.room.topic': { topic: '' },
    'm.room.avatar': { url: 'https://x.test/y' },
    'm.room.canonical_alias': { alias: 'x', alt_aliases: '#b:x' },
    'm.room.join_rules': { join_rule: null },
    'm.room.encryption': { algorithm: {} },
  }
  t.deepEqual(summarise(state(contents), version('12')), summarise(state({}), version('12')))
})

test('a topic is its plain text, wherever that stands', t => {
  const topic = (content: JsonObject) => summarise(state({ 'm.room.topic': content }), version('12')).topic
  const block = (...parts: JsonObject[]) => ({ topic: 'old', 'm.topic': { 'm.text': parts } })
  t.is(topic({ topic: 'old' }), 'old')
  t.is(topic(block({ body: '<b>', mimetype: 'text/html' }, { body: 'new' })), 'new')
  t.is(topic(block({ body: 'new', mimetype: 'text/plain' })), 'new')
  t.is(topic(block({ body: '<b>', mimetype: 'text/html' })), undefined)
  t.is(topic({ topic: 'old', 'm.topic': 'nonsense' }), 'old')
})

test('children of a space stand in the order that the specification gives as an example', t => {
  const child = (id: string, timestamp: number, order?: unknown): SpaceChild | undefined =>
    readSpaceChild({
      type: 'm.space.child',
      state_key: `!${id}:example.org`,
      sender: '@a:example.org',
      content: { via: ['example.org'], ...(order === undefined ? {} : { order }) },
      origin_server_ts: timestamp,
    })
  const order = (children: (SpaceChild | undefined)[]) =>
    children
      .filter(one => one !== undefined)
      .toSorted(compareChildren)
      .map(one => one.state_key.slice(1, 2))
  const example = [
    child('a', 1640141000000, 'aaaa'),
    child('b', 1640341000000, ' '),
    child('c', 1640841000000, 'first'),
    child('d', 1640741000000),
    child('e', 1640641000000),
  ]
  t.deepEqual(order(example), ['b', 'a', 'c', 'e', 'd'])
  t.deepEqual(order([child('b', 1), child('a', 1), child('c', 1, 'é'), child('d', 0, 7)]), [
    'd',
    'a',
    'b',
    'c',
  ])
  t.deepEqual(order([child('a', 1), child('b', 1, ' '), child('c', 1, '')]), ['c', 'b', 'a'])
  t.deepEqual(order([child('a', 2, 'x'), child('b', 1, 'x'), child('c', 1, 'x'.repeat(51))]), ['b', 'a', 'c'])
})

test('what names no server leads nowhere and is no child', t => {
  const good = {
    ...{ type: 'm.space.child', state_key: '!a:x', sender: '@a:x', content: { via: ['x'] } },
    origin_server_ts: 1,
  }
  t.truthy(readSpaceChild(good))
  for (const change of [
    { content: {} },
    { content: { via: [] } },
    { content: { via: 'x' } },
    { content: { via: ['no server', 7] } },
    { state_key: 'x' },
    { type: 'm.space.parent' },
    { origin_server_ts: '1' },
    { sender: undefined },
  ]) {
    t.is(readSpaceChild({ ...good, ...change }), undefined, JSON.stringify(change))
  }
})

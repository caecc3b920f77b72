/** What the page at `/` knows of rooms and people. */
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import test from 'ava'
import { Api } from '../web/api.ts'
import { Room } from '../web/room.ts'
import { Store } from '../web/store.ts'

const ALICE = '@alice:tea.test'
const BOB = '@bob:tea.test'

type Json = Record<string, unknown>

const event = (id: string, content: Json, more: Json = {}): Json => ({
  event_id: id,
  type: 'm.room.message',
  sender: BOB,
  origin_server_ts: 1,
  content,
  ...more,
})

const member = (userId: string, displayname: unknown, membership = 'join', sender = userId): Json =>
  event(
    `$${userId}.${membership}`,
    { membership, displayname },
    { type: 'm.room.member', state_key: userId, sender },
  )

const timeline = (...events: Json[]): Json => ({ timeline: { events, prev_batch: 'p1' } })

const roomOf = (...events: Json[]): Room => {
  const room = new Room('!tea')
  room.update(timeline(...events))
  return room
}

test('whoever takes the name of somebody else is told apart by the user ID', t => {
  const mallory = '@mallory:evil.test'
  const room = roomOf(member(BOB, 'Bob'), member(mallory, 'ｂｏｂ\u202e '))
  t.is(room.nameOf(BOB), 'Bob (@bob:tea.test)')
  t.is(room.nameOf(mallory), 'ｂｏｂ (@mallory:evil.test)')
  room.update(timeline(member(mallory, `Bob (${BOB})`)))
  t.is(
    room.nameOf(mallory),
    `Bob (${BOB}) (@mallory:evil.test)`,
    'nor does anybody pass for one who is told apart',
  )
  room.update(timeline(member(mallory, 'ｂｏｂ', 'leave')))
  t.is(room.nameOf(BOB), 'Bob')
  t.is(roomOf(member('@bob:cake.test', undefined), member(BOB, undefined)).nameOf(BOB), `bob (${BOB})`)
})

test('a name of which nothing can be seen is none', t => {
  for (const blank of ['', ' ', '\u202e', '\u200b\u2060', '\u3164', '\u2800', '\u0301', 5]) {
    t.is(roomOf(member(BOB, blank)).nameOf(BOB), 'bob', JSON.stringify(blank))
    const name = event('$name', { name: blank }, { type: 'm.room.name', state_key: '' })
    t.is(
      roomOf(member(ALICE, 'Alice'), member(BOB, 'Bob'), name).nameFor(ALICE),
      'Bob',
      JSON.stringify(blank),
    )
  }
  t.is(roomOf(member(BOB, ' 🫖 ')).nameOf(BOB), '🫖')
})

test('what is let go of a long conversation is asked for again, with its edits', t => {
  const room = roomOf()
  const said = Array.from({ length: 450 }, (_, index) => event(`$${index}`, { body: `${index}` }))
  const edit = (id: string, target: string) =>
    event(id, {
      body: '* new',
      'm.new_content': { body: `new by ${id}` },
      'm.relates_to': { rel_type: 'm.replace', event_id: target },
    })
  room.update(timeline(...said.slice(0, 10), edit('$early', '$1'), ...said.slice(10), edit('$late', '$2')))
  t.is(room.before, 'p1')
  room.trim()
  t.is(room.events.length, 400)
  t.true(room.hasEarlier)
  t.is(room.before, undefined, 'what came before the first event is not what came before those that are kept')
  const [, one, two] = said.map(each => ({
    id: String(each['event_id']),
    sender: BOB,
    type: 'm.room.message',
  }))
  const now = (target: typeof one) =>
    target &&
    room.editOf({
      ...target,
      stateKey: undefined,
      ts: 1,
      content: {},
      isRedacted: false,
      transactionId: undefined,
      prevContent: {},
    })
  t.is(now(one), undefined, 'an edit goes with the events that are let go')
  t.deepEqual(now(two), { body: 'new by $late' })
  room.prepend([], undefined)
  t.false(room.hasEarlier)
})

test('how many people are in a room stays unknown until that is told', t => {
  const room = roomOf()
  t.is(room.joinedCount, undefined)
  room.update({ summary: { 'm.joined_member_count': 3 } })
  room.update({})
  t.is(room.joinedCount, 3)
})

test('reactions are counted once for each person', t => {
  const react = (id: string, key: unknown, sender = BOB) =>
    event(
      id,
      { 'm.relates_to': { rel_type: 'm.annotation', event_id: '$a', key } },
      { type: 'm.reaction', sender },
    )
  const room = roomOf(
    event('$a', { body: 'Tea?' }),
    react('$1', '👍'),
    react('$2', '👍'),
    react('$3', '👍', ALICE),
    react('$4', '\u200b'),
    react('$5', ['👎']),
  )
  t.deepEqual(room.reactions(), new Map([['$a', new Map([['👍', new Set([BOB, ALICE])]])]]))
  room.update(timeline(event('$r', { redacts: '$3' }, { type: 'm.room.redaction', sender: ALICE })))
  t.deepEqual(room.reactions().get('$a')?.get('👍'), new Set([BOB]))
})

test('who is put out of the open room is told by whom and why; who leaves it is not', t => {
  const end = (sender: string): Store => {
    const store = new Store(ALICE)
    const name = event('$name', { name: 'Tea room' }, { type: 'm.room.name', state_key: '' })
    store.update({ rooms: { join: { '!tea': timeline(name, member(BOB, 'Bob'), member(ALICE, 'Alice')) } } })
    store.select('!tea')
    const left = member(ALICE, 'Alice', 'leave', sender)
    const reason = { ...left, content: { membership: 'leave', reason: 'Spilt milk' } }
    store.update({ rooms: { leave: { '!tea': timeline(reason) } } })
    t.is(store.room, undefined)
    return store
  }
  t.deepEqual(end(BOB).lost, { name: 'Tea room', by: 'Bob', reason: 'Spilt milk' })
  t.is(end(ALICE).lost, undefined)
})

test('an invitation says what it is to, and when', t => {
  const occasionOf = (occasion: unknown) => {
    const store = new Store(ALICE)
    const invited = { ...member(ALICE, 'Alice', 'invite', BOB) }
    const content = { membership: 'invite', 'chat.tessera.invitation': { event: occasion } }
    store.update({ rooms: { invite: { '!tea': { invite_state: { events: [{ ...invited, content }] } } } } })
    return store.invitations.get('!tea')?.occasion
  }
  t.deepEqual(occasionOf({ summary: 'Tea', start: 1, end: 2 }), { summary: 'Tea', start: 1, end: 2 })
  t.deepEqual(occasionOf({ start: 1 }), { summary: '', start: 1, end: undefined })
  t.deepEqual(occasionOf({ start: 2, end: 1 }), { summary: '', start: 2, end: undefined })
  t.is(occasionOf({ summary: 'Tea', start: 'soon' }), undefined)
  t.is(occasionOf({ summary: 'Tea', start: 1e16 }), undefined, 'beyond all calendars')
  t.is(occasionOf(null), undefined)
})

test('the newest invitation comes first, also one that is given again; an answer or a withdrawal takes it away', t => {
  const store = new Store(ALICE)
  const invite = (...roomIds: string[]): void => {
    const invited = { invite_state: { events: [member(ALICE, 'Alice', 'invite', BOB)] } }
    store.update({ rooms: { invite: Object.fromEntries(roomIds.map(roomId => [roomId, invited])) } })
  }
  invite('!b', '!a')
  invite('!c')
  t.deepEqual([...store.invitations.keys()], ['!c', '!b', '!a'])
  invite('!a')
  t.deepEqual([...store.invitations.keys()], ['!a', '!c', '!b'])
  store.update({ rooms: { join: { '!c': {} }, leave: { '!a': {} } } })
  t.deepEqual([...store.invitations.keys()], ['!b'])
})

test('a picture of which the connection breaks in the middle is none', async t => {
  const server = createServer((_, response) => {
    response.writeHead(200, { 'content-type': 'image/png', 'content-length': 100 })
    response.write('half', () => response.destroy())
  }).listen(0, '127.0.0.1')
  t.teardown(() => server.close())
  await new Promise(resolve => server.once('listening', resolve))
  const { port } = server.address() as AddressInfo
  t.is(await new Api().picture(`http://127.0.0.1:${port}/`), undefined)
})

import test from 'ava'
import type { JsonObject } from '../../core/json.ts'
import type { StreamToken } from '../../core/stream-token.ts'
import type { StoredProfile } from '../../storage/accounts/profiles.ts'
import { requesterOf } from '../../test-kit/rooms.ts'
import type { Owed } from './owed.ts'
import { People } from './people.ts'
import { ProfilesExtension } from './profiles-extension.ts'
import type { ProfilesRequest } from './request.ts'
import { RequiredState } from './required-state.ts'
import type { ExtensionRooms } from './room-extensions.ts'
import type { Look } from './room-writer.ts'

const ME = '@me:x'
const REQUEST: ProfilesRequest = { scope: { lists: undefined, rooms: undefined }, fields: undefined }

const LOOK: Look = {
  ...{ requester: requesterOf(ME), ignored: new Set(), missed: undefined, after: undefined, upTo: 5 },
  ...{ counted: 0, recounted: { receipts: 0, account_data: 0 }, tellsProfiles: true },
}

const config = { timelineLimit: 1, requiredState: new RequiredState([]) }

/** A room of this response, which shows these people. */
const roomWith = (people: readonly string[], owed: Owed = {}): ExtensionRooms => ({
  fresh: people.length === 0 ? [] : [{ roomNid: 1, roomId: '!a' }],
  known: new Map(),
  selected: new Map([
    [
      '!a',
      {
        place: {
          ...{ kind: 'joined', roomId: '!a', roomNid: 1, joinedAt: 1, order: 1, touched: 1 },
          activity: { roomId: '!a', position: 1, touched: 1 },
        },
        ...{ config, lists: ['all'], isSubscribed: false },
      },
    ],
  ]),
  owed,
  told:
    people.length === 0
      ? new Map()
      : new Map([
          [
            '!a',
            {
              people: new Set(people),
              sent: {
                ...{ kind: 'joined', upTo: 5, timelineLimit: 1, requiredState: undefined },
                ...{ isDirect: false, members: new Map() },
              },
            },
          ],
        ]),
  isTold: () => false,
})

const profile = (
  fields: JsonObject,
  changes: readonly (readonly [string, number])[] = [],
): StoredProfile => ({
  ...{ displayname: undefined, avatarUrl: undefined, fields, position: 1 },
  changes: new Map(changes),
})

/** An extension over these profiles; all local users but `@stranger:x` share a room with the user. */
const over = (profiles: ReadonlyMap<string, StoredProfile>, unheard: readonly string[] = []) => {
  const read: number[] = []
  const extension = new ProfilesExtension({
    profiles: {
      changed: async (after, upTo, limit) =>
        [...profiles]
          .flatMap(([userId, { position }]) =>
            position > after && position <= upTo ? { userId, position } : [],
          )
          .toSorted((a, b) => a.position - b.position)
          .slice(0, limit),
      ofUsers: async userIds => {
        read.push(userIds.length)
        return new Map(
          userIds.flatMap(userId => {
            const found = profiles.get(userId)
            return found === undefined ? [] : [[userId, found] as const]
          }),
        )
      },
    },
    position: () => 1_000,
    isUnheard: async userId => unheard.includes(userId),
    people: new People({
      serverName: 'x',
      companions: {
        sharing: async (_, others) => new Set(others.filter(other => other !== '@stranger:x')),
        ofHost: async () => [],
      },
      spans: { news: async () => ({ changed: [], left: [] }) },
      watch: { mayHaveMoved: () => false },
      summaries: { heroes: async () => [] },
    }),
  })
  return { extension, read }
}

const usersOf = (text: string | undefined): string[] =>
  text === undefined ? [] : Object.keys((JSON.parse(text) as { users: object }).users)

test('of many who are shown some are told at a time, without waiting, each once', async t => {
  const people = Array.from({ length: 2_500 }, (_, index) => `@user${index}:x`)
  const { extension } = over(new Map(people.map(userId => [userId, profile({ 'org.a': 1 })])))
  const told: string[] = []
  let before: StreamToken = {}
  let rooms = roomWith(people)
  const counts: number[] = []
  for (;;) {
    const answer = await extension.of(LOOK, REQUEST, before, rooms)
    told.push(...usersOf(answer.text))
    counts.push(usersOf(answer.text).length)
    before = answer.positions
    rooms = roomWith([], answer.owed)
    if (!answer.isNews) break
  }
  t.deepEqual(counts, [1_000, 1_000, 500, 0])
  t.deepEqual(told.toSorted(), people.toSorted())
})

test('so many more than that are owed', async t => {
  const people = Array.from({ length: 7_000 }, (_, index) => `@user${index}:x`)
  const { extension } = over(new Map(people.map(userId => [userId, profile({ 'org.a': 1 })])))
  const { text, owed } = await extension.of(LOOK, REQUEST, {}, roomWith(people))
  t.is(usersOf(text).length, 1_000)
  t.is(owed.profiles?.size, 5_000)
})

test('of large profiles fewer are told, and read, at a time', async t => {
  const people = Array.from({ length: 250 }, (_, index) => `@user${index}:x`)
  const large = profile({ 'org.a': 'x'.repeat(20_000) })
  const { extension, read } = over(new Map(people.map(userId => [userId, large])))
  const answer = await extension.of(LOOK, REQUEST, {}, roomWith(people))
  t.is(usersOf(answer.text).length, 100)
  t.deepEqual(read, [100])
  t.is(answer.owed.profiles?.size, 151, 'and the user themselves')
})

test('neither strangers are told of, nor people of other servers, nor what shadow-banned users do', async t => {
  const changed = (position: number) => ({
    ...profile({ 'org.a': 1 }, [['org.a', position]]),
    position,
  })
  const ids = ['@friend:x', '@stranger:x', '@friend:elsewhere', '@banned:x', ME]
  const { extension } = over(new Map(ids.map((userId, index) => [userId, changed(101 + index)])), [
    '@banned:x',
  ])
  const first = await extension.of(LOOK, REQUEST, {}, roomWith(ids))
  t.deepEqual(usersOf(first.text).toSorted(), ['@banned:x', '@friend:x', ME], 'as whoever asks for a profile')
  const before = { ...first.positions, profiles: 100 }
  const later = await extension.of(LOOK, REQUEST, before, roomWith([]))
  t.deepEqual(usersOf(later.text).toSorted(), ['@friend:x', ME])
  t.is(later.positions.profiles, 1_000)
})

test('where many profiles have changed that do not concern the user those are found that do', async t => {
  const ids = Array.from({ length: 450 }, (_, index) =>
    index === 440 ? '@friend:x' : `@user${index}:elsewhere`,
  )
  const profiles = new Map(
    ids.map((userId, index) => [
      userId,
      { ...profile({ 'org.a': 1 }, [['org.a', index + 2]]), position: index + 2 },
    ]),
  )
  const { extension, read } = over(profiles)
  const { positions } = await extension.of(LOOK, REQUEST, {}, roomWith([]))
  read.length = 0
  const answer = await extension.of(LOOK, REQUEST, { ...positions, profiles: 1 }, roomWith([]))
  t.deepEqual(usersOf(answer.text), ['@friend:x'])
  const next = await extension.of(LOOK, REQUEST, answer.positions, roomWith([]))
  t.deepEqual([next.text, next.isNews, next.positions.profiles], [undefined, false, 1_000])
  read.length = 0
  const quiet = await extension.of(LOOK, REQUEST, next.positions, roomWith([]))
  t.deepEqual(
    [quiet.text, quiet.isNews, read],
    [undefined, false, []],
    'where nothing has changed nothing is read',
  )
})

test('who has asked before and does not now is told later of the rooms that came meanwhile', async t => {
  const { extension } = over(new Map([['@friend:x', profile({ 'org.a': 1 })]]))
  t.deepEqual(extension.passedOver(LOOK, {}, roomWith(['@friend:x'])), {}, 'nothing, where nobody ever asked')
  const first = await extension.of(LOOK, REQUEST, {}, roomWith([]))
  const look = { ...LOOK, after: 7, upTo: 9 }
  const passed = extension.passedOver(look, first.positions, roomWith(['@friend:x']))
  t.deepEqual(passed.positions, { profile_moves: 7 })
  t.deepEqual([...(passed.owed?.profiles ?? [])], ['!a'])
  const again = extension.passedOver(
    { ...look, after: 9 },
    { ...first.positions, ...passed.positions },
    roomWith([]),
  )
  t.deepEqual(again.positions, { profile_moves: 7 })
})

import assert from 'node:assert/strict'
import test from 'ava'
import { testDatabases } from '../../test-kit/database.ts'
import { changesFrom, changesText, type ProfileContent } from './profile-changes.ts'
import { ProfileReader, ProfileWriter } from './profiles.ts'

const content = (fields: ProfileContent['fields'], displayname?: string): ProfileContent => ({
  ...{ displayname, avatarUrl: undefined, fields },
})

testDatabases(test, 'a profile says where each of its fields changed last', async (t, database) => {
  const [read, write] = [new ProfileReader(database), new ProfileWriter(database)]
  const [userId, other] = ['@a:x', '@b:x']
  await database.commit({ statements: [write.insert(userId, 'a')] })
  await database.commit({ statements: [write.insert(other, undefined)] })
  const stored = async () => {
    const profile = await read.byUser(userId)
    assert.ok(profile)
    return profile
  }
  t.deepEqual([...(await stored()).changes], [])
  const become = async (to: ProfileContent): Promise<number> => {
    await database.commit({ statements: [write.update(userId, await stored(), to)] })
    return (await stored()).position
  }
  const first = await become(content({ 'org.a': 1, 'org.b': null }, 'a'))
  t.deepEqual(
    (await stored()).changes,
    new Map([
      ['org.a', first],
      ['org.b', first],
    ]),
  )
  const second = await become(content({ 'org.a': 1 }, 'new'))
  const third = await become(content({ 'org.a': 1, 'org.c': [] }, 'new'))
  t.true(first < second && second < third)
  t.deepEqual(
    (await stored()).changes,
    new Map([
      ['org.c', third],
      ['displayname', second],
      ['org.a', first],
      ['org.b', second],
    ]),
  )
  const found = await read.ofUsers([userId, other, '@nobody:x'])
  t.deepEqual([...found.keys()].toSorted(), [userId, other])
  t.deepEqual(found.get(userId), await stored())
  t.is((await read.ofUsers([])).size, 0)
})

test('of fields that were removed the latest are remembered', t => {
  let changes = new Map() as ReturnType<typeof changesFrom>
  for (let position = 1; position <= 300; position++) {
    const from = { ...content({ [`org.f${position}`]: 1, 'org.stays': 1 }), changes }
    changes = changesFrom(changesText(from, content({ 'org.stays': 1 })), position)
  }
  t.is(changes.size, 200)
  t.is(changes.get('org.f300'), 300)
  t.is(changes.get('org.f101'), 101)
})

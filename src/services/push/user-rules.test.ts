import test from 'ava'
import { testDatabases } from '../../test-kit/database.ts'
import { UserPushRules } from './user-rules.ts'

const ALICE = '@alice:here.test'

testDatabases(
  test,
  'nobody has everybody wait for their rules, or stores much with each event',
  async (t, database) => {
    const rules = new UserPushRules(database)
    const put = (ruleId: string, actions: Parameters<UserPushRules['setActions']>[2] = []) => {
      const conditions = Array.from({ length: 80 }, () => {
        return { kind: 'event_match', key: 'content.body', pattern: '?'.repeat(512) }
      })
      return rules.put(ALICE, { kind: 'override', ruleId }, { actions, conditions }, {})
    }
    await put('one')
    await put('two')
    await t.throwsAsync(put('three'), { message: 'There are too many push rules' })
    await rules.remove(ALICE, { kind: 'override', ruleId: 'one' })
    await put('three')

    const loud = ['notify', { set_tweak: 'sound', value: 'x'.repeat(5_000) }]
    await t.throwsAsync(put('two', loud), { message: /at most 4096 bytes/ })
    const name = { kind: 'override', ruleId: 'two' }
    await t.throwsAsync(rules.setActions(ALICE, name, loud), { message: /at most 4096 bytes/ })
    t.deepEqual((await rules.one(ALICE, name)).actions, [])
  },
)

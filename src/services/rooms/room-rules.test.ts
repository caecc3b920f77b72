import test from 'ava'
import { type RoomRuleLists, RoomRules } from './room-rules.ts'

const rules = (lists: Partial<RoomRuleLists>): RoomRules =>
  new RoomRules({ creation: [], aliases: [], publication: [], ...lists })
const person = (name: string, isAdmin = false) => ({ userId: `@${name}:x`, isAdmin })
const allows = (check: () => void): boolean => {
  try {
    check()
    return true
  } catch {
    return false
  }
}

test('the first rule that fits decides, and what fits none is refused', t => {
  const creation = [
    { action: 'deny', user: '@bad-*:x' },
    { action: 'allow', user: '@b*:x' },
  ] as const
  const may = (name: string, isAdmin = false) =>
    allows(() => rules({ creation }).checkCreation(person(name, isAdmin)))
  t.deepEqual([may('bob'), may('bad-bob'), may('ann')], [true, false, false])
  t.true(may('ann', true), 'administrators may in any case')
  t.true(
    allows(() => rules({}).checkCreation(person('ann'))),
    'without rules everybody may',
  )
  t.throws(() => rules({ creation }).checkCreation(person('ann')), { message: /create/ })
})

test('rules for aliases and the directory also look at the room', t => {
  const aliases = [
    { action: 'deny', user: '*', alias: '#support*:x' },
    { action: 'allow', user: '@ann:x' },
    { action: 'allow', user: '*', room: '!tea:x' },
  ] as const
  const mayMake = (name: string, alias: string, room?: string) =>
    allows(() => rules({ aliases }).checkAlias(person(name), alias, room))
  t.true(mayMake('ann', '#tea:x'))
  t.false(mayMake('ann', '#support-1:x'))
  t.true(mayMake('bob', '#tea:x', '!tea:x'))
  t.false(mayMake('bob', '#tea:x'))

  const publication = [{ action: 'allow', user: '*', alias: '#open-*:x' }] as const
  const mayList = (named: readonly string[]) =>
    allows(() => rules({ publication }).checkPublication(person('ann'), named, '!r:x'))
  t.true(mayList(['#else:x', '#open-1:x']), 'one alias is enough')
  t.deepEqual([mayList(['#else:x']), mayList([])], [false, false])
})

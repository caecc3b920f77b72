import test from 'ava'
import fc from 'fast-check'
import { randomRuns } from '../test-kit/random-runs.ts'
import { compileGlob, globMatches } from './glob.ts'
import { historyVisibilityOf, mayServerSee, mayUserSee } from './history-visibility.ts'
import type { JsonValue } from './json.ts'
import { isServerAllowed, parseServerAcl } from './server-acl.ts'

for (const [pattern, matching, others] of [
  ['', [''], ['a']],
  ['a', ['a'], ['', 'A', 'ab', 'ba']],
  ['*', ['', 'a', 'a.b\n'], []],
  ['**', ['', 'ab'], []],
  ['a*', ['a', 'ab'], ['', 'ba']],
  ['*a', ['a', 'ba', 'aa'], ['', 'ab']],
  ['a*a', ['aa', 'aba'], ['a', 'ab']],
  ['*.b.*', ['a.b.c', '.b.', '.b..b.'], ['b', 'a.b', 'b.c']],
  ['a*bc*bc', ['abcbc', 'abcbcbc', 'axbcbc'], ['abc', 'abcb']],
  ['?', ['a', '😀', '\ud83d'], ['', 'ab']],
  ['a?c', ['abc', 'a😀c', 'a?c'], ['ac', 'abbc']],
  ['*?', ['a', 'ab', '😀'], ['']],
  ['?*?', ['ab', '😀😀', 'abc'], ['a', '😀']],
  ['*a?c*', ['abc', 'xabcx', 'aabc', 'a😀c'], ['ac', 'abxc']],
  ['*a?', ['ab', 'aab', 'xa😀'], ['a', 'abc']],
  ['[a-z].{2}+()|\\', ['[a-z].{2}+()|\\'], ['abc']],
] as const) {
  test(`the glob ${JSON.stringify(pattern)}`, t => {
    const glob = compileGlob(pattern)
    for (const text of matching) t.true(globMatches(glob, text), JSON.stringify(text))
    for (const text of others) t.false(globMatches(glob, text), JSON.stringify(text))
  })
}

/** The definition, word for word; takes forever on bad patterns. */
const matchesPlainly = (pattern: readonly string[], text: readonly string[]): boolean => {
  const [first, ...rest] = pattern
  if (first === undefined) return text.length === 0
  if (first === '*')
    return matchesPlainly(rest, text) || (text.length > 0 && matchesPlainly(pattern, text.slice(1)))
  return text.length > 0 && (first === '?' || first === text[0]) && matchesPlainly(rest, text.slice(1))
}

test('globs match what their definition says', t => {
  const of = (letters: string) => fc.string({ unit: fc.constantFrom(...letters), maxLength: 9 })
  fc.assert(
    fc.property(of('ab*?😀'), of('ab😀'), (pattern, text) => {
      t.is(globMatches(compileGlob(pattern), text), matchesPlainly([...pattern], [...text]))
    }),
    { numRuns: randomRuns(300) },
  )
})

test('globs that make others try for ever are answered', t => {
  t.false(globMatches(compileGlob(`${'a*'.repeat(5_000)}b`), 'a'.repeat(30_000)))
  t.false(globMatches(compileGlob(`${'*?a'.repeat(500)}b`), 'a'.repeat(30_000)))
})

const acl = (content: { readonly [key: string]: JsonValue }, server: string): boolean =>
  isServerAllowed(parseServerAcl(content), server)

test('server ACLs: deny before allow, ports and letter case aside', t => {
  t.true(isServerAllowed(undefined, 'anyone.test'))
  t.false(acl({}, 'anyone.test'))
  t.false(acl({ allow: 'anyone.test', deny: {} }, 'anyone.test'))
  t.true(acl({ allow: [7, null, 'anyone.test'], deny: [7] }, 'anyone.test'))
  const rules = { allow: ['*'], deny: ['evil.com', '*.EVIL.com', 'e?il.org'] }
  for (const server of ['evil.com', 'EVIL.com', 'evil.com:8448', 'a.b.evil.com:1', 'ebil.org']) {
    t.false(acl(rules, server), server)
  }
  for (const server of ['good.com', 'evil.com.good.com', 'notevil.com', 'eil.org', 'evil.community']) {
    t.true(acl(rules, server), server)
  }
  t.true(acl({ allow: ['Good.COM'] }, 'gOOd.com:443'))
  t.false(acl({ allow: ['good.com:443'] }, 'good.com:443'))
})

test('server ACLs: IP literals', t => {
  const literals = ['1.2.3.4', '1.2.3.4:8448', '999.2.3.4', '[::1]', '[2001:DB8::1]:8448']
  const names = ['1.2.3.4.example.org', 'example.org:80', '1.2.3', 'x1.2.3.4']
  for (const server of [...literals, ...names]) {
    t.true(acl({ allow: ['*'] }, server), server)
    t.true(acl({ allow: ['*'], allow_ip_literals: true }, server), server)
    t.true(acl({ allow: ['*'], allow_ip_literals: 'false' }, server), server)
    t.is(acl({ allow: ['*'], allow_ip_literals: false }, server), names.includes(server), server)
  }
  t.false(acl({ allow: ['*'], deny: ['[2001:db8:*]'] }, '[2001:DB8::1]:8448'))
  t.true(acl({ allow: ['[::1]'] }, '[::1]'))
})

test('history visibility: unset and unknown values are shared', t => {
  t.is(historyVisibilityOf(undefined), 'shared')
  for (const value of [undefined, null, 'nonsense', 7, ['joined'], 'toString']) {
    t.is(historyVisibilityOf({ content: { history_visibility: value as JsonValue } }), 'shared')
  }
  for (const value of ['world_readable', 'shared', 'invited', 'joined'] as const) {
    t.is(historyVisibilityOf({ content: { history_visibility: value } }), value)
  }
})

const MEMBERSHIPS = [undefined, 'leave', 'ban', 'knock', 'invite', 'join'] as const
const row = (...allowed: readonly (string | undefined)[]): boolean[] =>
  MEMBERSHIPS.map(membership => allowed.includes(membership))

for (const [visibility, never, since] of [
  ['world_readable', row(...MEMBERSHIPS), row(...MEMBERSHIPS)],
  ['shared', row('join'), row(...MEMBERSHIPS)],
  ['invited', row('join', 'invite'), row('join', 'invite')],
  ['joined', row('join'), row('join')],
] as const) {
  test(`history visibility ${visibility}`, t => {
    const seen = (joinedSince: boolean): boolean[] =>
      MEMBERSHIPS.map(before =>
        mayUserSee({ visibilityAt: { before: visibility }, membershipAt: { before }, joinedSince }),
      )
    t.deepEqual(seen(false), never)
    t.deepEqual(seen(true), since)
    const served = (joinedSince: boolean): boolean[] =>
      MEMBERSHIPS.map(membership => {
        const memberships = membership === undefined ? [] : ['leave', membership]
        return mayServerSee({ visibilityAt: { before: visibility }, memberships, joinedSince })
      })
    t.deepEqual(served(false), never)
    t.deepEqual(served(true), since)
  })
}

test('changes of the visibility are seen from either side', t => {
  const sees = (before: 'joined' | 'world_readable', after: 'joined' | 'world_readable'): boolean =>
    mayUserSee({ visibilityAt: { before, after }, membershipAt: { before: undefined }, joinedSince: false })
  t.true(sees('joined', 'world_readable'))
  t.true(sees('world_readable', 'joined'))
  t.false(sees('joined', 'joined'))
  const visibilityAt = { before: 'joined', after: 'world_readable' } as const
  t.true(mayServerSee({ visibilityAt, memberships: [], joinedSince: false }))
})

test("changes of the user's own membership are seen from either side", t => {
  const sees = (before: string | undefined, after: string | undefined): boolean =>
    mayUserSee({ visibilityAt: { before: 'joined' }, membershipAt: { before, after }, joinedSince: false })
  t.true(sees(undefined, 'join'))
  t.true(sees('join', 'ban'))
  t.true(sees('join', undefined))
  t.false(sees('invite', 'leave'))
  t.false(sees(undefined, 'invite'))
})

import test from 'ava'
import { claimsIn, filledIn, hasRequiredClaims, proposedName } from './provider-claims.ts'

test('templates are filled in with what is there, or not at all', t => {
  const claims = { given: 'Ada', family: 'Lovelace', number: 7, empty: '', list: ['x'], odd: '\ud800' }
  t.is(filledIn('{given}.{family}', claims), 'Ada.Lovelace')
  t.is(filledIn('u{number}', claims), 'u7')
  t.is(filledIn('always', claims), 'always')
  for (const template of [
    '',
    '{empty}',
    '{list}',
    '{odd}',
    '{given}{nothing}',
    '{constructor}',
    '{__proto__}',
  ]) {
    t.is(filledIn(template, claims), undefined, template)
  }
  t.is(filledIn('{given}', { given: 'x'.repeat(513) }), undefined)
  t.deepEqual(claimsIn(['{given}.{family}', 'x', '{email}']), ['given', 'family', 'email'])
})

test('names become localparts, and it is known whether they were any', t => {
  const proposals: Record<string, [string, boolean] | undefined> = {
    alice: ['alice', true],
    'Alice@company.example': ['alice', true],
    'Jürgen Müller': ['jurgen.muller', false],
    'a!b': ['ab', false],
    'mi\u212Ae': ['mike', false],
    '@company.example': undefined,
    阿: undefined,
    '': undefined,
  }
  for (const [text, expected] of Object.entries(proposals)) {
    const name = proposedName(text)
    t.deepEqual(name && [name.localpart, name.isExact], expected, text)
  }
})

test('required claims are there, alone or in a list', t => {
  const claims = { hd: 'example.org', groups: ['staff', 'chat'], admin: true }
  t.true(hasRequiredClaims({}, {}))
  t.true(hasRequiredClaims({ hd: 'example.org', groups: 'chat', admin: 'true' }, claims))
  for (const required of [
    { hd: 'example.com' },
    { groups: 'cha' },
    { nothing: 'undefined' },
    { toString: 'x' },
  ]) {
    t.false(hasRequiredClaims(required as Record<string, string>, claims))
  }
})

import test from 'ava'
import fc from 'fast-check'
import { canonicalJson } from './canonical-json.ts'
import type { JsonObject } from './json.ts'
import { memberText } from './json-member.ts'

test('a member is found where it stands, whatever stands around it', t => {
  const text = canonicalJson({ a: '"b":1', ab: { b: 2 }, b: [1, { c: '}\\"' }], c: -5, d: null, é: {} })
  t.is(memberText(text, 'a'), String.raw`"\"b\":1"`)
  t.is(memberText(text, 'b'), String.raw`[1,{"c":"}\\\""}]`)
  t.is(memberText(text, 'c'), '-5')
  t.is(memberText(text, 'd'), 'null')
  t.is(memberText(text, 'é'), '{}')
  t.is(memberText(text, 'e'), undefined)
  t.is(memberText('{}', 'a'), undefined)
})

test('it is the same that parsing finds', t => {
  const values = fc.jsonValue({ maxDepth: 3 }).filter(isCanonical)
  fc.assert(
    fc.property(fc.dictionary(fc.constantFrom('a', 'ab', 'content', 'x'), values), object => {
      const text = canonicalJson(object as JsonObject)
      for (const name of ['a', 'ab', 'content', 'x', 'none']) {
        const found = memberText(text, name)
        const value = Object.hasOwn(object, name) ? object[name] : undefined
        t.is(found, value === undefined ? undefined : canonicalJson(value as JsonObject))
      }
    }),
  )
})

const isCanonical = (value: unknown): boolean => {
  try {
    canonicalJson(value as JsonObject)
    return true
  } catch {
    return false
  }
}

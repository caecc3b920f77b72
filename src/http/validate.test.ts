import test from 'ava'
import { createValidator } from './validate.ts'

test('validation names the place of the first violation, and compiles what is asked for', t => {
  const body = { type: 'object', properties: { a: { type: 'array', items: { enum: ['x', 'y'] } } } }
  const validator = createValidator({ op: { body }, broken: { query: { type: 'nonsense' } } })
  t.notThrows(() => validator.validate('op', 'body', { a: ['x'], more: 1 }))
  t.throws(() => validator.validate('op', 'body', { a: ['z'] }), {
    message: 'Invalid body at a.0: must be equal to one of the allowed values: x, y',
  })
  t.throws(() => validator.validate('broken', 'query', {}))
})

test('what may be left out of an unsigned body may be null as well', t => {
  const text = { type: 'string' }
  const inner = { type: 'object', properties: { a: text, deep: { type: 'object', properties: { b: text } } } }
  const properties = { a: text, needed: text, inner, map: { type: 'object', additionalProperties: text } }
  const validator = createValidator({ op: { body: { type: 'object', properties, required: ['needed'] } } })
  const lenient = (body: unknown) => validator.lenient('op', body)
  const body = { needed: 'x', a: null, inner: { a: null, more: null }, free: null }
  t.deepEqual(lenient(body), { needed: 'x', inner: { more: null }, free: null })
  t.deepEqual(lenient({ needed: 'x' }), { needed: 'x' })
  const code = (given: unknown) => t.throws(() => lenient(given))?.message
  t.is(code({ needed: null, a: null }), 'Invalid body at needed: must be string')
  t.is(code({ a: null }), "Invalid body: must have required property 'needed'")
  t.is(code({ needed: 'x', map: { a: null } }), 'Invalid body at map.a: must be string')
  t.is(code({ needed: 'x', inner: { deep: { b: null } } }), 'Invalid body at inner.deep.b: must be string')
  t.is(code(null), 'Invalid body: must be object')
  t.throws(() => validator.validate('op', 'body', { needed: 'x', a: null }))
})

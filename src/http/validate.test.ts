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

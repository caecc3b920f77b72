import test from 'ava'
import { mergeSchemas, simplifySchema } from './simplify.ts'

const HERE = new URL('./', import.meta.url)

test('seeding keeps facts and drops prose; members may be called like prose', t => {
  const schema = {
    type: 'object',
    title: 'A title',
    description: 'Prose.',
    'x-addedInMatrixVersion': '1.2',
    properties: {
      title: { type: 'string', description: 'Prose.', example: 'x', pattern: '^@' },
      example: { type: 'null' },
    },
    required: ['title', 'example'],
    example: { title: 'x' },
  }
  t.deepEqual(
    simplifySchema(schema, HERE, () => undefined),
    {
      type: 'object',
      properties: { title: { type: 'string', pattern: '^@' }, example: { type: 'null' } },
      required: ['example', 'title'],
    },
  )
})

test('seeding merges what stands under allOf', t => {
  const left = {
    type: 'object',
    properties: { a: { type: 'object', properties: { x: {} } }, b: {} },
    required: ['b'],
  }
  const right = { type: 'object', properties: { a: { properties: { y: {} } } }, required: ['a', 'b'] }
  const merged = {
    type: 'object',
    properties: { a: { type: 'object', properties: { x: {}, y: {} } }, b: {} },
    required: ['a', 'b'],
  }
  t.deepEqual(mergeSchemas(left, right), merged)
  t.deepEqual(
    simplifySchema({ allOf: [left, right] }, HERE, () => undefined),
    merged,
  )
})

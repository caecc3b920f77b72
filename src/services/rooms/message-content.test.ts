import test from 'ava'
import { MatrixError } from '../../core/errors.ts'
import type { JsonObject } from '../../core/json.ts'
import { checkMessageContent } from './message-content.ts'

test('messages have a type and a text', t => {
  const refuses = (content: JsonObject): unknown =>
    t.throws(() => checkMessageContent('m.room.message', content), { instanceOf: MatrixError })
  refuses({})
  refuses({ msgtype: 'm.text' })
  refuses({ body: 'hello' })
  refuses({ msgtype: 'm.text', body: 7 })
  refuses({ msgtype: 'm.text', body: null })
  refuses({ msgtype: 7, body: 'hello' })
  t.notThrows(() => checkMessageContent('m.room.message', { msgtype: 'org.example.own', body: '' }))
  t.notThrows(() => checkMessageContent('m.sticker', { body: 7 }))
})

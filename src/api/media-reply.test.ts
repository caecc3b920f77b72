import { once } from 'node:events'
import { Readable } from 'node:stream'
import test from 'ava'
import { multipartReply } from './media-reply.ts'

test('a file that is sent to another server is closed also where nobody reads it', async t => {
  const content = Readable.from([Buffer.from('content')])
  const reply = await multipartReply({
    ...{ size: 7, contentType: 'text/plain', disposition: 'inline', etag: '"x"' },
    open: async () => content,
  })
  const body = reply.body as Readable
  body.destroy()
  await once(body, 'close')
  t.true(content.destroyed)
})

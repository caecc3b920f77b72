import test from 'ava'
import { canonicalJson } from '../core/canonical-json.ts'
import { signedRequestBytes, signedRequestObject } from './request-signature.ts'

test('the signed object and its canonical bytes are the same thing', t => {
  const parts = { method: 'PUT', uri: '/a?b=%22"\u{1f600}', origin: 'a.test', destination: 'b.test:1' }
  for (const content of [undefined, {}, { z: [1, null], a: { 'ü"': '\u0001' }, signatures: { x: {} } }]) {
    const object = signedRequestObject({ ...parts, ...(content === undefined ? {} : { content }) })
    const bytes = signedRequestBytes(parts, content === undefined ? undefined : canonicalJson(content))
    t.is(Buffer.from(bytes).toString(), canonicalJson(object))
  }
})

import test from 'ava'
import { signingKeyFromSeed, verifySignature } from '../../core/signing.ts'
import { checkInThread } from './check-signature.ts'

const key = signingKeyFromSeed('ed25519:1', new Uint8Array(32).fill(3))
const other = signingKeyFromSeed('ed25519:1', new Uint8Array(32).fill(4))
const message = Buffer.from('what is signed')

test('a thread judges signatures as this one does', async t => {
  const keys = [key.publicKey, other.publicKey, '', 'no key', 'A'.repeat(43), `${key.publicKey}=`]
  const signatures = [key.sign(message), other.sign(message), '', 'no signature', 'A'.repeat(86)]
  const messages = [message, Buffer.from('what is not'), Buffer.alloc(0)]
  const judged: [boolean, boolean][] = []
  for (const publicKey of keys)
    for (const signature of signatures)
      for (const text of messages)
        judged.push([
          await checkInThread(publicKey, text, signature),
          verifySignature(publicKey, text, signature),
        ])
  for (const [there, here] of judged) t.is(there, here)
  t.is(judged.filter(([there]) => there).length, 3, 'of each key its own, and of one also if it is padded')
})

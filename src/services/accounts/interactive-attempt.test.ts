import { hash } from 'node:crypto'
import test from 'ava'
import { CHEAP_PASSWORDS } from '../../test-kit/accounts.ts'
import { bound } from './interactive-attempt.ts'
import { DEFAULT_PASSWORD_OPTIONS, Passwords } from './passwords.ts'

test('what is kept of a request that sets a password is no quick way to try guesses', async t => {
  const passwords = new Passwords({ ...DEFAULT_PASSWORD_OPTIONS, ...CHEAP_PASSWORDS })
  const hashed: string[] = []
  const digest = (password: string, salt: string) => {
    hashed.push(password)
    return passwords.digest(password, salt)
  }
  const attempt = async (body: object, userId = '@a:test') => {
    const asked = { operation: 'POST x', binding: 'request', flows: [], body, userId } as const
    return (await bound(asked, { digest })).requestHash
  }
  const body = { logout_devices: true, new_password: 'tulip', auth: { session: 's' } }
  const kept = await attempt(body)
  t.not(kept, hash('sha256', '{"logout_devices":true,"new_password":"tulip"}', 'base64url'))
  t.is(await attempt({ new_password: 'tulip', logout_devices: true }), kept, 'the order does not matter')
  t.not(await attempt({ ...body, new_password: 'tulips' }), kept)
  t.not(await attempt({ ...body, logout_devices: false }), kept)
  t.not(await attempt(body, '@b:test'), kept, 'the same password of another user')
  t.is(hashed.length, 5, 'each once, off the main thread')
})

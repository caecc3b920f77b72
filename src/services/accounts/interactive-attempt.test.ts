import { hash } from 'node:crypto'
import test from 'ava'
import { requestHash } from './interactive-attempt.ts'

test('what is kept of a request that sets a password is no quick way to try guesses', t => {
  const attempt = (body: object, userId = '@a:test') =>
    requestHash({ operation: 'POST x', binding: 'request', flows: [], body, userId })
  const body = { logout_devices: true, new_password: 'tulip', auth: { session: 's' } }
  t.not(attempt(body), hash('sha256', '{"logout_devices":true,"new_password":"tulip"}', 'base64url'))
  t.is(attempt({ new_password: 'tulip', logout_devices: true }), attempt(body), 'the order does not matter')
  t.not(attempt({ ...body, new_password: 'tulips' }), attempt(body))
  t.not(attempt({ ...body, logout_devices: false }), attempt(body))
  t.not(attempt(body, '@b:test'), attempt(body), 'the same password of another user')
})

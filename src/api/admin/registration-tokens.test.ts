import test from 'ava'
import { type AdminAnswer, sharedAdministered } from '../../test-kit/administrator.ts'

const { started, close } = sharedAdministered()
test.after.always(close)

const PATH = '/v1/registration_tokens'
const FAR = 4_781_243_146_000

const namesOf = (answer: AdminAnswer | string): string[] =>
  typeof answer === 'string'
    ? [answer]
    : (answer['registration_tokens'] as { token: string }[]).map(({ token }) => token)

test('registration tokens are made, changed, listed by whether they are good, and deleted', async t => {
  const { ask } = await started()
  const fresh = { pending: 0, completed: 0, uses_allowed: null, expiry_time: null }
  t.deepEqual(await ask('POST', `${PATH}/new`, { token: 'abcd' }), { ...fresh, token: 'abcd' })
  t.is(await ask('POST', `${PATH}/new`, { token: 'abcd' }), '400 M_INVALID_PARAM')
  const random = (await ask('POST', `${PATH}/new`, {
    length: 64,
    uses_allowed: 2,
    expiry_time: FAR,
  })) as AdminAnswer
  t.like(random, { uses_allowed: 2, expiry_time: FAR })
  t.is(String(random['token']).length, 64)
  t.deepEqual(await ask('GET', `${PATH}/abcd`), { ...fresh, token: 'abcd' })
  const bad = [
    { length: 65 },
    { length: 0 },
    { uses_allowed: -1 },
    { expiry_time: 1 },
    { expiry_time: 1e308 },
    { token: 'a b' },
    { token: '' },
  ]
  for (const body of bad)
    t.is(await ask('POST', `${PATH}/new`, body), '400 M_INVALID_PARAM', JSON.stringify(body))

  t.is(await ask('PUT', `${PATH}/abcd`, { expiry_time: 1e308 }), '400 M_INVALID_PARAM')
  t.like(await ask('PUT', `${PATH}/abcd`, { uses_allowed: 0 }), { uses_allowed: 0, expiry_time: null })
  t.like(await ask('PUT', `${PATH}/abcd`, { expiry_time: FAR }), { uses_allowed: 0, expiry_time: FAR })
  t.deepEqual(namesOf(await ask('GET', `${PATH}?valid=false`)), ['abcd'])
  t.deepEqual(namesOf(await ask('GET', `${PATH}?valid=true`)), [random['token']])
  t.is(namesOf(await ask('GET', PATH)).length, 2)
  t.like(await ask('PUT', `${PATH}/abcd`, { uses_allowed: null, expiry_time: null }), fresh)
  t.like(await ask('PUT', `${PATH}/abcd`, {}), fresh)
  t.is(await ask('PUT', `${PATH}/none`, {}), '404 M_NOT_FOUND')

  t.deepEqual(await ask('DELETE', `${PATH}/abcd`), {})
  t.is(await ask('DELETE', `${PATH}/abcd`), '404 M_NOT_FOUND')
  t.is(await ask('GET', `${PATH}/abcd`), '404 M_NOT_FOUND')
})

import { createRequire } from 'node:module'
import test from 'ava'
import { connectionFailure } from './connection-failure.ts'

interface Sasl {
  startSession(mechanisms: readonly string[]): object
  continueSession(session: object, password: unknown, challenge: string): Promise<void>
}

test('that a password is missing is told in words, whatever the driver calls it', async t => {
  const sasl = createRequire(import.meta.url)('pg/lib/crypto/sasl.js') as Sasl
  for (const password of [null, '']) {
    const error = await t.throwsAsync(
      sasl.continueSession(sasl.startSession(['SCRAM-SHA-256']), password, 'r=x,s=x,i=1'),
    )
    t.regex(connectionFailure(error), /^it asks for a password, and there is none in its address/)
  }
})

test('of a server with several addresses it is told what is wrong with each', t => {
  const parts = ['::1', '127.0.0.1'].map(address => new Error(`connect ECONNREFUSED ${address}:5432`))
  t.is(
    connectionFailure(new AggregateError(parts)),
    'connect ECONNREFUSED ::1:5432, connect ECONNREFUSED 127.0.0.1:5432',
  )
  t.is(connectionFailure(new Error('timeout expired')), 'timeout expired')
})

test('who is not let in because too many are there is told what to raise', t => {
  for (const said of [
    'sorry, too many clients already',
    'remaining connection slots are reserved for roles with the SUPERUSER attribute',
    'too many connections for role "tessera"',
  ])
    t.true(connectionFailure(new Error(said)).startsWith(`${said} (raise max_connections`))
})

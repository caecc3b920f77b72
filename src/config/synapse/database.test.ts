import test from 'ava'
import { synapseDatabase } from './database.ts'

const located = (args: object): string => {
  const found = synapseDatabase({ directory: '/', tree: { database: { name: 'psycopg2', args } } }, '/')
  return found.kind === 'postgres' ? found.url : ''
}

test("Synapse's PostgreSQL is found by what its settings say", t => {
  t.is(
    located({ user: 'syn', password: 'p@:/', dbname: 'synapse', host: 'db.test', port: 5433, cp_min: 5 }),
    'postgres://syn:p%40%3A%2F@db.test:5433/synapse',
  )
  t.is(located({ user: 'syn', database: 's' }), 'postgres://syn@/s?host=%2Fvar%2Frun%2Fpostgresql')
  t.is(
    located({ user: 'syn', dbname: 's', host: '/run/pg', port: '5433' }),
    'postgres://syn@/s?host=%2Frun%2Fpg&port=5433',
  )
  t.is(
    located({ user: 'a', dbname: 's', host: 'h', sslmode: 'require', keepalives_idle: 10 }),
    'postgres://a@h/s?sslmode=no-verify',
  )
  t.is(
    located({ user: 'a', dbname: 's', host: 'h', sslmode: 'require', sslrootcert: '/ca.pem' }),
    'postgres://a@h/s?sslmode=require&sslrootcert=%2Fca.pem',
  )
  t.is(located({ user: 'a', dbname: 's', host: 'h', sslmode: 'prefer' }), 'postgres://a@h/s')
})

test('an address that is written in one is asked for', t => {
  t.throws(() => located({ dsn: 'host=db.test dbname=synapse' }), { message: /by a `dsn`.*--database/ })
})

import test from 'ava'
import { testPostgres } from '../../test-kit/database.ts'
import { CommitMarks } from './commit-marks.ts'
import { connectClient, PostgresConnection } from './postgres-connection.ts'
import { FENCED } from './postgres-variants.ts'
import { StatementTable } from './statements.ts'

testPostgres(
  test,
  'what was committed is known, and what comes after the question is refused',
  async (t, _, { url }) => {
    const table = new StatementTable(sql => {
      let number = 0
      return sql.replaceAll('?', () => `$${++number}`)
    })
    const marks = new CommitMarks(sql => table.prepare(sql))
    const [one, other] = await Promise.all(
      [1, 2].map(async () => new PostgresConnection(await connectClient(url, 'points'))),
    )
    if (one === undefined || other === undefined) return t.fail()
    t.teardown(() => Promise.all([one.close(), other.close()]))
    const plain = (sql: string) => ({ prepared: table.derive(sql), parameters: [] })
    const commit = (serial: number) =>
      one.fly([
        plain('BEGIN'),
        plain("SELECT set_config('tessera.events', '7', true)"),
        marks.leg(serial, ['events']),
        plain('COMMIT'),
      ])

    const [first, second, third] = [marks.next(), marks.next(), marks.next()]
    t.is((await commit(first)).error, undefined)
    t.deepEqual(await marks.ask(other, first), [['events', 7]])
    t.deepEqual(await marks.ask(other, first), [['events', 7]], 'however often it is asked')

    t.is(await marks.ask(other, second), undefined)
    t.like((await commit(second)).error, { code: FENCED }, 'its flight was still on the way')
    await one.fly([plain('ROLLBACK')])
    t.is(await marks.ask(other, second), undefined)
    t.is((await commit(third)).error, undefined)
    t.deepEqual(await marks.ask(other, third), [['events', 7]])
    await marks.remove(one)
  },
)

import test from 'ava'
import type { AppService } from '../../core/app-service.ts'
import { silentLog } from '../../core/log.ts'
import { AppServiceQueries } from './queries.ts'

test('who does not answer is asked again, and then said to be silent unless somebody else knows', async t => {
  const asked: string[] = []
  const queriesOf = (...services: readonly ('yes' | 'no' | 'silence')[]): AppServiceQueries =>
    new AppServiceQueries({
      registry: { interestedIn: () => services.map(id => ({ id }) as AppService) },
      client: {
        query: async ({ id }, path) => {
          asked.push(`${id} ${path}`)
          if (id === 'silence') throw new Error('no answer')
          return id === 'yes' ? {} : undefined
        },
      },
      log: silentLog,
    })
  t.true(await queriesOf('no', 'silence', 'yes').alias('#a:b'))
  t.deepEqual(
    asked,
    ['no', 'silence', 'silence', 'yes'].map(id => `${id} rooms/%23a%3Ab`),
  )
  t.false(await queriesOf('no').alias('#a:b'))
  t.false(await queriesOf().alias('#a:b'))
  await t.throwsAsync(queriesOf('silence', 'no').alias('#a:b'), {
    message: /does not answer/,
    instanceOf: Error,
  })
  const silent = queriesOf('silence')
  for (const asking of [silent.alias('#a:b'), silent.user('@a:b')])
    t.like(await asking.catch(thrown => thrown), { errcode: 'M_UNKNOWN', status: 408 })
  t.false(await queriesOf('no').user('@a:b'))
})

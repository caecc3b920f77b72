import test from 'ava'
import { NotServing } from '../core/errors.ts'
import { createLog } from './logging.ts'
import { OutageLines } from './outage-lines.ts'

test('of what fails for want of the database there is one line a minute of each sort, and one of each request', t => {
  let now = 0
  const lines = new OutageLines(() => now)
  const err = new NotServing('the database does not answer')
  const follow = (stream: string) => lines.thinned({ err, stream }, 'could not follow a stream')
  t.deepEqual(follow('events'), { err, stream: 'events' })
  for (let time = 0; time < 50; time++) t.is(follow('receipts'), undefined)
  t.truthy(lines.thinned({ err: new Error('x', { cause: err }) }, 'another message'))
  now = 60_000
  t.deepEqual(follow('events'), { err, stream: 'events', times: 51 })
  for (const _ of [1, 2]) {
    t.truthy(lines.thinned({ err, request: '1' }, 'request failed'))
    t.truthy(lines.thinned({ err: new Error('a fault') }, 'could not follow a stream'))
    t.truthy(lines.thinned({}, 'could not follow a stream'))
  }
})

test('all parts of a process have the same log', t => {
  const written: string[] = []
  const log = createLog({ level: 'info', format: 'json' }, { write: line => written.push(line) })
  const err = new NotServing('the database does not answer')
  for (const part of ['media', 'federation'])
    log.child({ part }).error({ err }, 'work failed in the background')
  log.warn({ err: new Error('a fault') }, 'work failed in the background')
  t.is(written.length, 2)
})

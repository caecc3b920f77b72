import test from 'ava'
import { NotServing } from '../core/errors.ts'
import { FederationError } from '../network/federation/federation-error.ts'
import { OutboundError, toOutboundError } from '../network/outbound-error.ts'
import { toClientError } from '../services/federation/outbound/client-errors.ts'
import { createLog, withoutSecrets } from './logging.ts'

test('the log blanks secrets out', t => {
  const lines: string[] = []
  const log = createLog({ level: 'info', format: 'json' }, { write: line => lines.push(line) })
  log.info(
    {
      url: '/_matrix/client/v3/sync?access_token=hunter2&since=s1',
      headers: { authorization: 'Bearer hunter2', host: 'x' },
      body: { password: 'hunter2', auth: { token: 'hunter2' } },
    },
    'request',
  )
  log.child({ accessToken: 'hunter2' }).warn({ err: new Error('plain') }, 'child')
  log.debug({}, 'not at this level')
  t.is(lines.length, 2)
  t.false(lines.join('').includes('hunter2'))
  t.like(JSON.parse(lines[0] ?? ''), {
    level: 'info',
    msg: 'request',
    url: '/_matrix/client/v3/sync?access_token=[secret]&since=s1',
    headers: { host: 'x' },
  })
  t.is(withoutSecrets('/x?a=1'), '/x?a=1')
})

test('the log says which lines nobody reads', t => {
  const log = createLog({ level: 'info', format: 'json' }, { write: () => undefined })
  t.false(log.isLevelEnabled('debug'))
  t.true(log.isLevelEnabled('warn'))
  log.setLevel('debug')
  t.true(log.isLevelEnabled('debug'))
})

test('that somebody cannot be reached is told by its reason; every other error with its stack', t => {
  const lines: string[] = []
  const log = createLog({ level: 'info', format: 'json' }, { write: line => lines.push(line) })
  const refused = toOutboundError(new Error('connect ECONNREFUSED 192.0.2.1:8448'))
  const way = new OutboundError('unreachable', 'no connection to x.test', {
    cause: new AggregateError([refused]),
  })
  const error = (kind: 'unreachable' | 'malformed') =>
    toClientError(
      new FederationError(kind, 'x.test', way.message, kind === 'malformed' ? {} : { cause: way }),
    )
  log.warn({ err: error('unreachable') }, 'request failed')
  log.warn({ err: error('malformed') }, 'request failed')
  const cause = new Error('connect ENOENT')
  log.warn({ err: new NotServing('no answer', { cause }) }, 'request failed')
  log.warn({ err: new NotServing(`no answer: ${cause.message}`, { cause }) }, 'something else failed')
  const [unreachable, malformed, database, repeated] = lines.map(line => JSON.parse(line).err)
  t.is(unreachable, 'x.test cannot be reached: no connection to x.test: connect ECONNREFUSED 192.0.2.1:8448')
  t.is(database, 'no answer: connect ENOENT')
  t.is(repeated, 'no answer: connect ENOENT')
  t.regex(malformed.stack, /makes no sense\n +at /)
})

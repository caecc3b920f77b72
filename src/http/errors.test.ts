import test from 'ava'
import { MatrixError, NotServing } from '../core/errors.ts'
import { renderError } from './errors.ts'

test('who has reached a limit of their account is told where to read about it', t => {
  const silent = () => {}
  const log = { debug: silent, info: silent, warn: silent, error: silent }
  const render = (error: MatrixError, limitInfoUri?: string): unknown =>
    JSON.parse(String(renderError(error, { requestId: '1', log, limitInfoUri }).body))
  const limit = new MatrixError('M_USER_LIMIT_EXCEEDED', 'Too much', { fields: { can_upgrade: false } })
  t.deepEqual(render(limit, 'https://x.test/limits'), {
    errcode: 'M_USER_LIMIT_EXCEEDED',
    error: 'Too much',
    can_upgrade: false,
    info_uri: 'https://x.test/limits',
  })
  t.deepEqual(render(new MatrixError('M_FORBIDDEN', 'No'), 'https://x.test/limits'), {
    errcode: 'M_FORBIDDEN',
    error: 'No',
  })
})

test('every refusal of too much says when to come again', t => {
  const silent = () => {}
  const log = { debug: silent, info: silent, warn: silent, error: silent }
  const waits = (options: { fields?: { retry_after_ms: number }; headers?: Record<string, string> }) =>
    renderError(new MatrixError('M_LIMIT_EXCEEDED', 'slowly', options), { requestId: '1', log }).headers[
      'Retry-After'
    ]
  t.is(waits({ fields: { retry_after_ms: 1500 } }), '2')
  t.is(waits({ headers: { 'Retry-After': '7' } }), '7')
  t.is(waits({}), '5')
})

test('a database that does not answer is no fault of the program: others may be asked', t => {
  const logged: string[] = []
  const note = (level: string) => (_fields: object, message: string) =>
    void logged.push(`${level} ${message}`)
  const log = { debug: note('debug'), info: note('info'), warn: note('warn'), error: note('error') }
  const reply = renderError(new NotServing('the database of 10.0.0.7 does not answer'), {
    requestId: '1',
    log,
  })
  t.is(reply.status, 503)
  t.deepEqual(JSON.parse(String(reply.body)), {
    errcode: 'M_UNKNOWN',
    error: 'This server cannot answer at the moment. Try again later.',
  })
  t.is(renderError(new Error('a bug'), { requestId: '1', log }).status, 500)
  t.deepEqual(logged, ['warn request failed', 'error request failed unexpectedly'])
})

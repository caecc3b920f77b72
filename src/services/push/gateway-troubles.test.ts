import test from 'ava'
import { type LogFields, silentLog } from '../../core/log.ts'
import { FakeClock } from '../../test-kit/fake-clock.ts'
import { GatewayTroubles } from './gateway-troubles.ts'

test('of a gateway that fails thousands an operator reads one line, and later how often it was', async t => {
  const lines: LogFields[] = []
  const clock = new FakeClock()
  const troubles = new GatewayTroubles(clock, { ...silentLog, info: fields => lines.push(fields) })
  const failed = (userId: string, host: string): void =>
    troubles.failed({ userId, appId: 'app', data: `{"url":"https://${host}/notify"}` }, 'down')
  for (const userId of ['@a:x', '@b:x', '@c:x']) failed(userId, 'busy.test')
  failed('@a:x', 'other.test')
  await clock.advance(10 * 60_000)
  failed('@b:x', 'busy.test')
  const common = { err: 'down', app: 'app' }
  const own: LogFields[] = []
  const busy = new GatewayTroubles(clock, { ...silentLog, error: fields => own.push(fields) })
  for (const userId of ['@a:x', '@b:x']) busy.unserved({ userId, appId: 'app' }, 'no database')
  t.deepEqual(own, [{ err: 'no database', app: 'app', user: '@a:x' }])
  t.deepEqual(lines, [
    { ...common, gateway: 'https://busy.test', user: '@a:x' },
    { ...common, gateway: 'https://other.test', user: '@a:x' },
    { ...common, gateway: 'https://busy.test', user: '@b:x', failures: 2 },
  ])
})

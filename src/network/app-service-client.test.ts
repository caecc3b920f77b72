import test from 'ava'
import type { AppService } from '../core/app-service.ts'
import { FakeClock } from '../test-kit/fake-clock.ts'
import { appServiceClient } from './app-service-client.ts'
import type { HttpClient } from './http-client.ts'

const SERVICE = { id: 'irc', url: 'http://as.test/base', hsToken: 'hs' } as AppService
const NEW = '/base/_matrix/app/v1/users/x'
const OLD = '/base/users/x'

/** Asks a service that answers by these rules; says under which paths, and what came of it. */
const asking = (answers: Readonly<Record<string, readonly [status: number, body: string]>>) => {
  const clock = new FakeClock()
  const paths: string[] = []
  const request = async ({ path }: { path: string }) => {
    paths.push(path)
    const [status, body] = answers[path] ?? [404, '']
    return { status, body: Buffer.from(body) }
  }
  const http = { request, close: async () => undefined } as unknown as Pick<HttpClient, 'request' | 'close'>
  const client = appServiceClient(http, clock)
  return { clock, paths, ask: () => client.query(SERVICE, 'users/x') }
}

test('old paths are tried where the new ones come to nothing, and kept to for a while where they work', async t => {
  for (const failure of [
    [404, ''],
    [404, '{}'],
    [405, ''],
    [501, ''],
  ] as const) {
    const { clock, paths, ask } = asking({ [NEW]: failure, [OLD]: [200, '{}'] })
    t.deepEqual(await ask(), {}, failure.join(' '))
    await ask()
    t.deepEqual(paths, [NEW, OLD, OLD])
    await clock.advance(3_600_001)
    await ask()
    t.deepEqual(paths.slice(3), [NEW, OLD], 'the new ones are tried again')
  }
  const unrecognized = [404, '{"errcode":"M_UNRECOGNIZED"}'] as const
  t.deepEqual(await asking({ [NEW]: unrecognized, [OLD]: [200, ''] }).ask(), {})
})

test('a service that failed once is asked under the new paths again', async t => {
  const { paths, ask } = asking({ [NEW]: [500, 'oops'], [OLD]: [200, '{}'] })
  t.deepEqual([await ask(), await ask()], [{}, {}])
  t.deepEqual(paths, [NEW, OLD, NEW, OLD])
})

test('a service that answers for itself is believed', async t => {
  for (const answer of [
    [404, '{"errcode":"ORG.IRC_NO_SUCH_USER"}'],
    [403, '{ "errcode": "M_FORBIDDEN" }'],
  ] as const) {
    const { paths, ask } = asking({ [NEW]: answer, [OLD]: [200, '{}'] })
    t.is(await ask(), undefined)
    t.deepEqual(paths, [NEW])
  }
  const { paths, ask } = asking({ [NEW]: [500, ''], [OLD]: [404, ''] })
  t.is(await ask(), undefined)
  t.is(await ask(), undefined)
  t.deepEqual(paths, [NEW, OLD, NEW, OLD])
})

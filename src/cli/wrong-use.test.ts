import { statSync } from 'node:fs'
import { join } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import { fakeServices } from '../test-kit/command-line.ts'
import { run } from '../test-kit/command-runs.ts'
import { temporaryDirectory } from '../test-kit/temporary-directory.ts'
import { startFailure } from './start-errors.ts'

/** What a command line comes to that is refused: nothing is done, and this is said. */
const refusal = async (t: ExecutionContext, line: string): Promise<string> => {
  const calls: unknown[] = []
  const cwd = temporaryDirectory(t)
  await run(t, 'init --server-name example.org', { cwd })
  const { host, code } = await run(t, `--set database.url=postgres://nobody@localhost/nothing ${line}`, {
    ...{ cwd, module: { openCliServices: async () => fakeServices(calls) } },
  })
  t.is(code, 1, line)
  t.deepEqual(
    calls.filter(call => call !== 'close'),
    [],
    line,
  )
  t.is(host.out(), '', line)
  return host.err()
}

test('what is no command is said to be none', async t => {
  t.is(await refusal(t, 'users list'), 'There is no command users; did you mean user?\n')
  t.is(await refusal(t, 'florbinate'), 'There is no command florbinate; tessera --help lists all\n')
  t.is(await refusal(t, 'serve it'), 'There is no command it; tessera --help lists all\n')
})

test('a duration without a unit is no duration of milliseconds', async t => {
  for (const [line, option] of [
    ['media purge --remote-older-than 7', '--remote-older-than 7'],
    ['token create --expires 7', '--expires 7'],
    ['token create --expires 0d', '--expires 0d'],
    ['doctor --patience 30', '--patience 30'],
  ] as const)
    t.is(await refusal(t, line), `${option} cannot be used: write a duration such as 7d\n`)
})

test('why a file cannot be used, or a host not be listened on', t => {
  const system = (code: string, fields: object) => Object.assign(new Error(code), { code, ...fields })
  t.is(
    startFailure(system('EACCES', { syscall: 'open', path: '/root/x.partial' })),
    '/root/x.partial cannot be used: permission denied.',
  )
  t.is(
    startFailure(system('ENOSPC', { syscall: 'write', path: '/data/x' })),
    '/data/x cannot be used: the disk is full.',
  )
  // Of what is written in many parts the system does not say where.
  t.is(startFailure(system('ENOSPC', { syscall: 'write' })), 'The disk is full.')
  t.regex(
    startFailure(system('ENOTFOUND', { syscall: 'getaddrinfo', hostname: 'no.test' })) ?? '',
    /^Cannot listen: .* has the address no\.test;/,
  )
})

test('the settings file is for its owner alone', async t => {
  const cwd = temporaryDirectory(t)
  await run(t, 'init --server-name example.org', { cwd })
  t.is(statSync(join(cwd, 'data/homeserver.yaml')).mode & 0o777, 0o600)
})

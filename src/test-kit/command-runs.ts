/** Runs of the command line in one process. */
import type { ExecutionContext } from 'ava'
import type { Server } from '../cli/ports.ts'
import { runProgram } from '../cli/program.ts'
import { createFakeHost, type FakeHost, type FakeHostOptions, fakeServer } from './command-line.ts'
import { temporaryDirectory } from './temporary-directory.ts'

/** Runs a command line, in a new directory unless one is given. Answers the exit code, and the host with what was printed. */
export const run = async (
  t: ExecutionContext,
  line: string,
  options: FakeHostOptions & { cwd?: string } = {},
) => {
  const host = createFakeHost(options.cwd ?? temporaryDirectory(t), options)
  return { host, code: await runProgram(host, line.split(' ')) }
}

/** Runs `serve` with a server that does nothing, and waits until it is up. */
export const up = async (
  t: ExecutionContext,
  parts: Partial<Server> = {},
  options: FakeHostOptions & { cwd?: string } = {},
) => {
  const calls: string[] = []
  const listening = Promise.withResolvers<void>()
  const server = fakeServer(calls, {
    stats: async () => {
      setImmediate(listening.resolve)
      return { rooms: 3, users: 1 }
    },
    ...parts,
  })
  const host = createFakeHost(options.cwd ?? temporaryDirectory(t), {
    ...options,
    module: { createServer: async () => server },
  })
  const code = runProgram(host, ['serve'])
  await Promise.race([listening.promise, code])
  return { host, code, calls }
}

/** What was logged, line by line. */
export const logged = (host: FakeHost): { msg: string; level: string; [field: string]: unknown }[] =>
  host
    .out()
    .split('\n')
    .filter(line => line !== '')
    .map(line => JSON.parse(line))

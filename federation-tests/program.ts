import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import type { ExecutionContext } from 'ava'

const PROGRAM = fileURLToPath(new URL('../bin/tessera.js', import.meta.url))

/** The program itself in a process of its own, so that it can be killed. */
export interface Running {
  readonly child: ChildProcess
  /** Where it listens, the first listener first. */
  readonly urls: readonly string[]
  /** Ends it as a power cut would; resolves once it is gone. */
  kill(): Promise<void>
}

/** Starts the program over a data directory, with settings from the environment; it is killed after the test at the latest. */
export const startProgram = async (
  t: Pick<ExecutionContext, 'teardown'>,
  directory: string,
  environment: Readonly<Record<string, string>>,
): Promise<Running> => {
  const child = spawn(process.execPath, [PROGRAM], {
    cwd: directory,
    stdio: ['ignore', 'pipe', 'ignore'],
    env: {
      ...process.env,
      TESSERA_DATA: directory,
      TESSERA__REGISTRATION__MODE: 'open',
      TESSERA__PASSWORDS__HASHING__MEMORY: '8K',
      TESSERA__PASSWORDS__HASHING__ITERATIONS: '1',
      TESSERA__RATE_LIMITS__ENABLED: 'false',
      TESSERA__LOGGING__FORMAT: 'json',
      ...environment,
    },
  })
  t.teardown(() => child.kill('SIGKILL'))
  if (child.stdout === null) throw new Error('no output')
  const kill = async (): Promise<void> => {
    const gone = once(child, 'exit')
    child.kill('SIGKILL')
    await gone
  }
  for await (const line of createInterface(child.stdout)) {
    const { msg, urls } = JSON.parse(line) as { msg: string; urls?: string[] }
    if (msg === 'listening') return { child, urls: urls ?? [], kill }
  }
  throw new Error('the server ended before it listened')
}

/** A homeserver that nobody here wrote, as a child process with a directory of its own. */
import { type ChildProcess, spawn } from 'node:child_process'
import { openSync } from 'node:fs'
import { readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'

/** Seconds that a fresh server gets to answer; making its tables takes a few of them, and minutes where the machine is busy. */
const startupSeconds = 300

export interface ForeignServerPlan {
  /** For messages. */
  readonly name: string
  readonly command: string
  readonly arguments: readonly string[]
  /** Beside those of this process. */
  readonly environment?: NodeJS.ProcessEnv
  /** With its configuration; it runs in it, its output goes to `output.log` there, and `stop` removes it. */
  readonly directory: string
  /** Answers 200 as soon as the server is ready. */
  readonly healthUrl: string
}

export interface ForeignServer {
  readonly pid: number
  readonly directory: string
  /** Ends the process and waits for that; its directory stays. */
  end(): Promise<void>
  /** The same, and removes the directory. Calling it twice is harmless. */
  stop(): Promise<void>
}

/**
 * Starts a server and waits until it answers.
 * @throws Error with the end of its log when it does not come up
 */
export async function startForeignServer(plan: ForeignServerPlan): Promise<ForeignServer> {
  const { name, directory } = plan
  const output = join(directory, 'output.log')
  const log = openSync(output, 'a')
  const child = spawn(plan.command, plan.arguments, {
    cwd: directory,
    env: { ...process.env, ...plan.environment },
    stdio: ['ignore', log, log],
  })
  const killWithParent = () => child.kill('SIGKILL')
  process.once('exit', killWithParent)
  child.once('exit', () => process.off('exit', killWithParent))
  let stopped: Promise<void> | undefined
  const stop = () => {
    stopped ??= end(child).then(() => rm(directory, { recursive: true, force: true }))
    return stopped
  }
  try {
    await untilHealthy(plan.healthUrl, child)
  } catch (error) {
    const tail = (await readFile(output, 'utf8')).slice(-3000)
    await stop()
    throw new Error(`${name} did not start: ${String(error)}\n${tail}`)
  }
  return { pid: child.pid ?? 0, directory, end: () => end(child), stop }
}

/** Polls: a process that is not ours gives no other sign of being ready. */
async function untilHealthy(url: string, child: ChildProcess): Promise<void> {
  const deadline = Date.now() + startupSeconds * 1000
  while (Date.now() < deadline) {
    if (child.exitCode !== null || child.signalCode !== null) throw new Error('the process ended')
    const healthy = await fetch(url).then(
      response => response.ok,
      () => false,
    )
    if (healthy) return
    await new Promise(next => setTimeout(next, 100))
  }
  throw new Error(`no answer from ${url} within ${startupSeconds} s`)
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const ended = new Promise<void>(done => child.once('exit', () => done()))
  child.kill('SIGTERM')
  const impatience = setTimeout(() => child.kill('SIGKILL'), 5000)
  await ended
  clearTimeout(impatience)
}

import { type ChildProcess, spawn } from 'node:child_process'
import { join } from 'node:path'
import { pause } from './load.ts'

/** A server process that this run started. */
export interface Started {
  url: string
  pid: number
  /** Ends it and waits for that. */
  stop(): Promise<void>
}

/** Seconds that a started server gets to answer. */
const startupSeconds = 60

/**
 * Starts a homeserver by a shell command and waits until it answers /versions.
 * @param command its output goes to stderr; it gets a process group of its own, which `stop` ends
 * @param url where it will listen
 * @throws Error when it ends or stays silent
 */
export async function spawnServer(
  command: string,
  url: string,
  environment: Record<string, string> = {},
): Promise<Started> {
  const child = spawn('/bin/sh', ['-c', command], {
    detached: true,
    stdio: ['ignore', process.stderr, process.stderr],
    env: { ...process.env, ...environment },
  })
  const started = { url, pid: child.pid ?? 0, stop: () => end(child) }
  process.once('exit', () => signal(child, 'SIGKILL'))
  for (let tries = 0; tries < startupSeconds * 20; tries++) {
    if (ended(child)) throw new Error(`the server ended: ${command}`)
    const response = await fetch(`${url}/_matrix/client/versions`).catch(() => undefined)
    if (response?.ok) return started
    await pause(0.05)
  }
  await started.stop()
  throw new Error(`no answer from ${url} within ${startupSeconds} s`)
}

/** Starts the yardstick in a process of its own. */
export async function startEcho(): Promise<Started> {
  const child = spawn(process.execPath, [join(import.meta.dirname, 'echo.ts')], {
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  const port = await new Promise<number>((resolve, reject) => {
    child.stdout.once('data', line => resolve(Number(JSON.parse(String(line)).port)))
    child.once('exit', () => reject(new Error('the echo ended')))
  })
  return {
    url: `http://127.0.0.1:${port}`,
    pid: child.pid ?? 0,
    stop: () => {
      child.stdin.end()
      return untilEnded(child)
    },
  }
}

async function end(child: ChildProcess): Promise<void> {
  signal(child, 'SIGTERM')
  const impatience = setTimeout(() => signal(child, 'SIGKILL'), 30_000)
  await untilEnded(child)
  clearTimeout(impatience)
}

/** Signals the process group, unless it has ended (and its number may be somebody else's). */
function signal(child: ChildProcess, name: NodeJS.Signals): void {
  if (!ended(child) && child.pid !== undefined) process.kill(-child.pid, name)
}

function untilEnded(child: ChildProcess): Promise<void> {
  return ended(child) ? Promise.resolve() : new Promise(done => child.once('exit', () => done()))
}

function ended(child: ChildProcess): boolean {
  return child.exitCode !== null || child.signalCode !== null
}

/** The program itself as several processes, for tests that kill, stop and replace them. */
import { type ChildProcess, spawn } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { Agent, request } from 'node:http'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import type { ExecutionContext } from 'ava'

const PROGRAM = fileURLToPath(new URL('../../bin/tessera.js', import.meta.url))

/** What an answer holds, as far as tests look. */
export interface Answered {
  readonly status: number
  // biome-ignore lint/suspicious/noExplicitAny: whatever the API answers
  readonly body: any
}

interface LogLine {
  readonly msg: string
  readonly worker?: number
  readonly pid?: number
  readonly urls?: readonly string[]
  readonly level: string
  readonly err?: { readonly message: string }
}

/** A server whose workers can be got at. */
export class WorkerProcesses {
  readonly #child: ChildProcess
  /** The process of each worker, as far as they have said that they listen. */
  readonly pids = new Map<number, number>()
  /** Lines of the log from `warn` on. */
  readonly complaints: string[] = []
  readonly exited: Promise<number | null>
  url = ''
  #listening = Promise.withResolvers<void>()

  private constructor(child: ChildProcess) {
    this.#child = child
    this.exited = new Promise(resolve => child.on('exit', resolve))
    void this.exited.then(code => this.#listening.reject(new Error(`the server ended with ${code}`)))
  }

  /** Starts so many workers with these settings, which are those of a settings file, over what is in the directory. */
  static async start(
    t: Pick<ExecutionContext, 'teardown'>,
    { directory, workers, settings }: { directory: string; workers: number; settings: object },
  ): Promise<WorkerProcesses> {
    const file = join(directory, 'homeserver.yaml')
    writeFileSync(file, JSON.stringify(settings))
    const child = spawn(process.execPath, [PROGRAM, '--config', file, '--workers', String(workers)], {
      cwd: directory,
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    const processes = new WorkerProcesses(child)
    t.teardown(() => {
      for (const pid of [child.pid, ...processes.pids.values()]) if (pid !== undefined) sendTo(pid, 'SIGKILL')
    })
    if (child.stdout === null) throw new Error('no output')
    createInterface(child.stdout).on('line', line => processes.#hear(line))
    await processes.#listening.promise
    return processes
  }

  /** Kills a worker, or has it stand still; answers its process. */
  signal(worker: number, signal: 'SIGKILL' | 'SIGSTOP'): number {
    const pid = this.pids.get(worker)
    if (pid === undefined) throw new Error(`there is no worker ${worker}`)
    if (signal === 'SIGKILL') this.pids.delete(worker)
    sendTo(pid, signal)
    return pid
  }

  /** Has a process go on that stands still; it need not be the worker any more that it was. */
  wake(pid: number): void {
    sendTo(pid, 'SIGCONT')
  }

  /** Replaces the workers one after another. */
  roll(): void {
    this.#child.kill('SIGHUP')
  }

  /** Stops all; answers the exit code. */
  stop(): Promise<number | null> {
    this.#child.kill('SIGTERM')
    return this.exited
  }

  /** One request on a connection of its own, so that any of the workers may get it. Rejects when none answers. */
  readonly call = connector(() => this.url).call

  #hear(text: string): void {
    const line = JSON.parse(text) as LogLine
    if (line.msg === 'listening' && line.worker !== undefined && line.pid !== undefined)
      this.pids.set(line.worker, line.pid)
    if (line.msg === 'all workers listen') {
      this.url = line.urls?.[0] ?? ''
      this.#listening.resolve()
    }
    if (['warn', 'error', 'fatal'].includes(line.level)) this.complaints.push(text)
  }
}

/** Reaches a server as clients do that have no connection yet: one for each request. */
export const connector = (url: () => string) => ({
  /** Answers whatever comes from a path of the client-server API; rejects when nobody answers. */
  call: (method: string, path: string, token = '', body?: object): Promise<Answered> => {
    const text = body === undefined ? undefined : JSON.stringify(body)
    return new Promise((resolve, reject) => {
      const sent = request(
        `${url()}/_matrix/client/v3${path}`,
        {
          ...{ method, agent: new Agent({ keepAlive: false }), timeout: 15_000 },
          headers: { authorization: `Bearer ${token}`, 'content-length': Buffer.byteLength(text ?? '') },
        },
        response => {
          const chunks: Buffer[] = []
          response.on('data', chunk => chunks.push(chunk))
          response.on('error', reject)
          response.on('end', () => {
            try {
              const answer = Buffer.concat(chunks).toString()
              resolve({ status: response.statusCode ?? 0, body: JSON.parse(answer) })
            } catch (error) {
              reject(error)
            }
          })
        },
      )
      sent.on('error', reject)
      sent.on('timeout', () => sent.destroy(new Error('no answer')))
      sent.end(text)
    })
  },
})

const sendTo = (pid: number, signal: NodeJS.Signals): void => {
  try {
    process.kill(pid, signal)
  } catch {
    // It has ended by itself.
  }
}

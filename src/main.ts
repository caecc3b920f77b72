import { spawn } from 'node:child_process'
import cluster from 'node:cluster'
import type { Host } from './cli/host.ts'
import { processCluster } from './cli/process-cluster.ts'
import { runProgram } from './cli/program.ts'

/** Runs a program for its effect alone: it may be missing, or fail. */
const run = (program: string, args: readonly string[]): Promise<void> =>
  new Promise(resolve => {
    const child = spawn(program, args, { stdio: 'ignore' })
    child.on('error', () => resolve())
    child.on('exit', () => resolve())
  })

const processHost = (): Host => ({
  env: process.env,
  cwd: process.cwd(),
  stdout: process.stdout,
  stderr: process.stderr,
  stdin: process.stdin,
  onSignal: (signal, listener) => {
    process.on(signal, listener)
  },
  onCrash: listener => {
    process.on('uncaughtException', listener)
    process.on('unhandledRejection', listener)
  },
  exit: code => process.exit(code),
  run,
  loadServer: async () => ({
    createServer: async (config, options) => (await import('./server.ts')).createServer(config, options),
    openCliServices: async (config, log) => (await import('./server-cli.ts')).openCliServices(config, log),
  }),
  cluster: processCluster(),
})

/** An error with what caused it. */
const stackOf = (error: unknown): string => {
  if (!(error instanceof Error)) return String(error)
  const stack = error.stack ?? error.message
  return error.cause === undefined ? stack : `${stack}\ncaused by: ${stackOf(error.cause)}`
}

/** Time that is left to what still runs after the command has come to its end. */
const EXIT_WITHIN_MS = 2_000

/** Runs the command line of this process. Called by `bin/tessera.js`. */
export const main = async (): Promise<void> => {
  // Whoever reads the log may go away (`| head`, a restarted journal): no reason to stop serving.
  for (const stream of [process.stdout, process.stderr]) stream.on('error', () => undefined)
  try {
    process.exitCode = await runProgram(processHost(), process.argv.slice(2))
  } catch (error) {
    process.stderr.write(`${stackOf(error)}\n`)
    process.exitCode = 1
  }
  // The channel to the supervisor alone would keep a worker alive.
  if (cluster.isWorker) process.exit()
  setTimeout(() => process.exit(), EXIT_WITHIN_MS).unref()
}

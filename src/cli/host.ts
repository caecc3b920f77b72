import type { Readable } from 'node:stream'
import type { Cluster } from './cluster.ts'
import type { ServerModule } from './ports.ts'

/** The process around a command: everything that a test replaces. */
export interface Host {
  readonly env: Readonly<Record<string, string | undefined>>
  readonly cwd: string
  readonly stdout: Output
  readonly stderr: Output
  readonly stdin: Readable
  /** Calls the listener for each of these signals that arrives. */
  onSignal(signal: 'SIGTERM' | 'SIGINT' | 'SIGHUP' | 'SIGUSR1' | 'SIGUSR2', listener: () => void): void
  /** Calls the listener for errors that nobody caught. */
  onCrash(listener: (error: unknown) => void): void
  /** Ends the process at once. */
  exit(code: number): void
  /** Runs a program and waits for its end, whatever that is. */
  run(program: string, args: readonly string[]): Promise<void>
  loadServer(): Promise<ServerModule>
  /** Where a server may run as several processes. */
  readonly cluster?: Cluster
}

export interface Output {
  readonly isTTY?: boolean
  write(text: string): unknown
}

/** Exit codes (sysexits.h for the last): systemd does not restart a server with bad settings. */
export const EXIT = { ok: 0, failed: 1, badConfig: 78 } as const

/** Writes lines to the terminal, apart from standard output, which belongs to results and logs. */
export const say = (host: Host, ...lines: readonly string[]): void => {
  host.stderr.write(`${lines.join('\n')}\n`)
}

/** What is said between a server's processes on one machine: the supervisor and its workers. */

/** From the supervisor to a worker. */
export type Order =
  /** Finish what is under way and end. Others go on to serve. */
  | { readonly type: 'stop' }
  /** Another worker has died: what it held is free. `id` is its own name. */
  | { readonly type: 'died'; readonly id: string }
  | { readonly type: 'figures'; readonly query: number }
  /** The figures of all workers, in answer to `all figures`. */
  | { readonly type: 'all figures'; readonly query: number; readonly figures: readonly object[] }

/** From a worker to the supervisor. */
export type Report =
  | { readonly type: 'listening'; readonly id: string; readonly urls: readonly string[] }
  | { readonly type: 'figures'; readonly query: number; readonly figures: object }
  | { readonly type: 'all figures'; readonly query: number }

/** How a worker has ended: with an exit code, or by a signal, as of a system that is short of memory; or why it could not even be started. */
export interface Ended {
  readonly code?: number | undefined
  readonly signal?: string | undefined
  readonly error?: Error | undefined
}

/** A worker, as the supervisor sees it. */
export interface WorkerProcess {
  readonly pid: number
  order(order: Order): void
  /** Ends it at once. */
  kill(): void
  onReport(listener: (report: Report) => void): void
  /** Told once. */
  onExit(listener: (ended: Ended) => void): void
}

/** The supervisor, as a worker sees it. */
export interface Supervision {
  /** Which of the workers this is, from 1 on; a replacement has the number of the one it replaces. */
  readonly worker: number
  report(report: Report): void
  onOrder(listener: (order: Order) => void): void
  /** The supervisor is gone. */
  onLost(listener: () => void): void
}

/** Processes that listen on the same ports. */
export interface Cluster {
  /** In a worker. */
  readonly supervision?: Supervision | undefined
  fork(worker: number): WorkerProcess
}

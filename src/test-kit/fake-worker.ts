import type { Ended, Order, Report, WorkerProcess } from '../cli/cluster.ts'

/** A worker that is none: it does as the test says. */
export class FakeWorker implements WorkerProcess {
  readonly pid: number
  readonly number: number
  readonly orders: Order[] = []
  isAlive = true
  #report: (report: Report) => void = () => undefined
  #exited: (ended: Ended) => void = () => undefined

  constructor(number: number, pid: number) {
    this.number = number
    this.pid = pid
  }

  order(order: Order): void {
    this.orders.push(order)
    if (order.type === 'stop') setImmediate(() => this.end(0))
    if (order.type === 'figures')
      this.tell({ type: 'figures', query: order.query, figures: { of: this.pid } })
  }

  kill(): void {
    this.end(undefined)
  }

  onReport(listener: (report: Report) => void): void {
    this.#report = listener
  }

  onExit(listener: (ended: Ended) => void): void {
    this.#exited = listener
  }

  tell(report: Report): void {
    this.#report(report)
  }

  listen(): void {
    this.tell({ type: 'listening', id: `process ${this.pid}`, urls: ['http://here'] })
  }

  end(code: number | undefined): void {
    if (!this.isAlive) return
    this.isAlive = false
    this.#exited(code === undefined ? { signal: 'SIGKILL' } : { code })
  }
}

import cluster, { type Worker } from 'node:cluster'
import type { Cluster, Supervision, WorkerProcess } from './cluster.ts'

/** In the environment of a worker: which it is. */
const WORKER = 'TESSERA_WORKER'

/** Whom a message does not reach has ended, or is about to: that is told by itself. Unheard, it would end who sends. */
const unheard = (): void => undefined

/** This process and those that it starts, by Node's own means. */
export const processCluster = (): Cluster => ({
  supervision: cluster.isWorker ? supervision() : undefined,
  fork: worker => {
    // Workers accept connections themselves: none is lost with one that dies or stands still while it is handed over.
    cluster.schedulingPolicy = cluster.SCHED_NONE
    try {
      return processOf(cluster.fork({ [WORKER]: String(worker), NOTIFY_SOCKET: '' }))
    } catch (error) {
      return stillborn(error instanceof Error ? error : new Error(String(error)))
    }
  },
})

const processOf = (forked: Worker): WorkerProcess => ({
  pid: forked.process.pid ?? 0,
  order: order => {
    if (forked.isConnected()) forked.send(order, unheard)
  },
  kill: () => void forked.process.kill('SIGKILL'),
  onReport: listener => void forked.on('message', listener),
  onExit: listener => {
    forked.on('exit', (code, signal) => listener({ code: code ?? undefined, signal: signal ?? undefined }))
    // Where the program is just being replaced, or there may be no more processes. Of others that have begun the end is told as well.
    forked.on('error', error => {
      if (forked.process.pid === undefined) listener({ error })
    })
  },
})

/** One that the system has refused to start. */
const stillborn = (error: Error): WorkerProcess => ({
  ...{ pid: 0, order: () => undefined, kill: () => undefined, onReport: () => undefined },
  onExit: listener => void setImmediate(listener, { error }),
})

const supervision = (): Supervision => ({
  worker: Number(process.env[WORKER]),
  report: report => {
    if (process.connected) process.send?.(report, undefined, undefined, unheard)
  },
  onOrder: listener => void process.on('message', listener),
  onLost: listener => void process.on('disconnect', listener),
})

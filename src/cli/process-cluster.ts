import cluster from 'node:cluster'
import type { Cluster, Supervision } from './cluster.ts'

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
    const forked = cluster.fork({ [WORKER]: String(worker), NOTIFY_SOCKET: '' })
    return {
      pid: forked.process.pid ?? 0,
      order: order => {
        if (forked.isConnected()) forked.send(order, unheard)
      },
      kill: () => forked.process.kill('SIGKILL'),
      onReport: listener => void forked.on('message', listener),
      onExit: listener => void forked.on('exit', code => listener(code ?? undefined)),
    }
  },
})

const supervision = (): Supervision => ({
  worker: Number(process.env[WORKER]),
  report: report => {
    if (process.connected) process.send?.(report, undefined, undefined, unheard)
  },
  onOrder: listener => void process.on('message', listener),
  onLost: listener => void process.on('disconnect', listener),
})

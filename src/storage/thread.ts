import { getCompileCacheDir } from 'node:module'
import { type ResourceLimits, Worker } from 'node:worker_threads'

/**
 * What a thread runs first. A thread does not inherit the compile cache of its process, and from source it would load a
 * compiler of its own: 25 MB more for each.
 */
const BOOTSTRAP = `
const { workerData } = require('node:worker_threads')
const { enableCompileCache, flushCompileCache } = require('node:module')
if (workerData.cache !== undefined) enableCompileCache(workerData.cache)
import(workerData.entry).then(() => flushCompileCache())`

/** Sources that have been compiled end in `.js`; the compiler leaves the names in `new URL` alone. */
const EXTENSION = import.meta.url.endsWith('.ts') ? '.ts' : '.js'

/** Starts a thread that runs a module of ours, named by its source (`scripts/bundle.ts` looks for such names). */
export const startThread = (entry: URL, resourceLimits: ResourceLimits = {}): Worker =>
  new Worker(BOOTSTRAP, {
    eval: true,
    workerData: { entry: entry.href.replace(/\.ts$/, EXTENSION), cache: getCompileCacheDir() },
    resourceLimits,
  })

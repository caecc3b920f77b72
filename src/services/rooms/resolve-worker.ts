import { resolveInput } from '../../core/state-resolution/resolution-input.ts'
import { serveWork } from '../worker-pool.ts'

/** A thread that resolves states. */
serveWork(resolveInput)

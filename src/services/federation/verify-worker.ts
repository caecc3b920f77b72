import { serveWork } from '../worker-pool.ts'
import { verifyJob } from './verify-job.ts'

/** A thread that checks signatures and hashes of events. */
serveWork(verifyJob)

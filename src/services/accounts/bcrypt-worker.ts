import { serveWork } from '../worker-pool.ts'
import { bcryptJob } from './bcrypt-job.ts'

/** A thread that compares passwords with hashes of bcrypt. */
serveWork(bcryptJob)

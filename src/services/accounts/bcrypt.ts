import { WorkerPool } from '../worker-pool.ts'
import type { BcryptJob } from './bcrypt-job.ts'

/** 2^16 rounds take some seconds; Synapse asks for 2^12. */
const MOST_ROUNDS = 16

const FORM = /^\$2[aby]\$(\d\d)\$[./A-Za-z0-9]{53}$/

/** How many are compared at once: only those who log in for the first time since an import need it. */
const pool = new WorkerPool<BcryptJob, boolean>(new URL('./bcrypt-worker.ts', import.meta.url), {
  threads: 1,
})

/** Whether it is a hash of bcrypt, at a cost that is worth its while. */
export const isBcrypt = (hash: string): boolean => {
  const rounds = FORM.exec(hash)?.[1]
  return rounds !== undefined && Number(rounds) <= MOST_ROUNDS
}

/** Whether a password is the one that Synapse has hashed: in the normal form NFKC, with its pepper after it. In a thread. */
export const matchesBcrypt = (password: string, pepper: string, hash: string): Promise<boolean> =>
  pool.run({ password: password.normalize('NFKC') + pepper, hash })

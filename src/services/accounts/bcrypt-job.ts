import { compareSync } from 'bcryptjs'

/** A password to be compared with a hash of bcrypt. */
export interface BcryptJob {
  readonly password: string
  readonly hash: string
}

/** Whether it is the one that was hashed. Takes a third of a second with what Synapse asks for. */
export const bcryptJob = ({ password, hash }: BcryptJob): boolean => compareSync(password, hash)

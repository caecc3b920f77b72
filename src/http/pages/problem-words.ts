import { MatrixError } from '../../core/errors.ts'
import type { PageWords } from '../../core/page-words/index.ts'

type Problem = keyof Omit<PageWords['problems'], 'title'>

const BY_CODE: Readonly<Record<string, Problem>> = {
  M_USER_LOCKED: 'locked',
  M_LIMIT_EXCEEDED: 'tooMany',
  M_WEAK_PASSWORD: 'weakPassword',
  M_USER_IN_USE: 'nameTaken',
  M_EXCLUSIVE: 'nameTaken',
  M_INVALID_USERNAME: 'nameInvalid',
  M_THREEPID_AUTH_FAILED: 'emailUnconfirmed',
  M_THREEPID_DENIED: 'emailRefused',
  M_THREEPID_IN_USE: 'emailRefused',
}

/**
 * A refusal in words for people.
 *
 * @param special what some codes mean on this page
 * @throws whatever is no refusal, but a failure of ours
 */
export const problemOf = (
  error: unknown,
  { problems }: PageWords,
  special: Readonly<Record<string, Problem>> = {},
): { status: number; text: string } => {
  if (!(error instanceof MatrixError)) throw error
  return {
    status: error.status,
    text: problems[special[error.errcode] ?? BY_CODE[error.errcode] ?? 'tryAgain'],
  }
}

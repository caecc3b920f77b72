import { MatrixError } from '../core/errors.ts'

/** Whether it may go well another time: another server does not answer, somebody asks too often, or this server is in trouble. */
export const isPassing = (error: unknown): boolean =>
  !(error instanceof MatrixError) || error.status >= 500 || error.errcode === 'M_LIMIT_EXCEEDED'

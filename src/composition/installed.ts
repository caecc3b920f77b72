import { OperatorError } from '../config/operator-error.ts'
import { missingPasswordPackage } from '../services/accounts/password-package.ts'

/** Refuses to begin where an install has left out what is needed only later. @throws {OperatorError} */
export const refuseIncompleteInstall = (): void => {
  const missing = missingPasswordPackage()
  if (missing === undefined) return
  throw new OperatorError(
    `Passwords cannot be checked, since ${missing} is not installed: run "npm ci" on this machine, optional dependencies included.`,
  )
}

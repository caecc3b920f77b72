import { OperatorError } from '../config/operator-error.ts'
import { parseDuration } from '../config/units.ts'

/** The whole number above 0 that an option was given. @throws {OperatorError} for anything else */
export const positive = (option: string, value: string): number => {
  const number = Number(value)
  if (!Number.isSafeInteger(number) || number < 1) {
    throw new OperatorError(`${option} ${value} cannot be used: write a number such as 50`)
  }
  return number
}

/**
 * The milliseconds of a duration that an option was given. One without a unit is refused: in settings it counts milliseconds, which whoever
 * types it here does not mean.
 *
 * @throws {OperatorError} for anything else
 */
export const positiveDuration = (option: string, value: string): number => {
  const duration = /[a-z]$/.test(value) ? parseDuration(value) : undefined
  if (duration === undefined || duration < 1) {
    throw new OperatorError(`${option} ${value} cannot be used: write a duration such as 7d`)
  }
  return duration
}

import { OperatorError } from '../config/operator-error.ts'

/** The whole number above 0 that an option was given. @throws {OperatorError} for anything else */
export const positive = (option: string, value: string): number => {
  const number = Number(value)
  if (!Number.isSafeInteger(number) || number < 1) {
    throw new OperatorError(`${option} ${value} cannot be used: write a number such as 50`)
  }
  return number
}

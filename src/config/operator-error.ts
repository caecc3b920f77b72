/**
 * Something cannot be done for a reason that the operator can mend. The message is one sentence that says what is
 * wrong and what to do; it goes to the terminal as it is, without a stack.
 */
export class OperatorError extends Error {
  override readonly name = 'OperatorError'
}

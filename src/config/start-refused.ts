/**
 * The server cannot start, for a reason that the operator can mend. The message is one sentence that says what is
 * wrong and what to do; it goes to the terminal as it is, without a stack.
 */
export class StartRefused extends Error {
  override readonly name = 'StartRefused'
}

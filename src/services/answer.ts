/** What is known at once, or has to be asked for: whoever is asked a thousand times a second need not make a promise each time. */
export type Answer<T> = T | Promise<T>

/** What follows from an answer, without waiting for one that is known. */
export const andThen = <T, R>(answer: Answer<T>, next: (known: T) => Answer<R>): Answer<R> =>
  answer instanceof Promise ? answer.then(next) : next(answer)

/** All answers, without waiting where none has to be waited for. */
export const together = <T extends readonly unknown[] | []>(
  answers: T,
): Answer<{ -readonly [K in keyof T]: Awaited<T[K]> }> =>
  answers.some(answer => answer instanceof Promise)
    ? Promise.all(answers)
    : (answers as { -readonly [K in keyof T]: Awaited<T[K]> })

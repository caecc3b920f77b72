/** Lets whatever else there is to do have its turn. */
export const nextTurn = (): Promise<void> => new Promise(resolve => setImmediate(resolve))

/**
 * Runs a job for each item, at most `concurrency` at a time, and resolves once all have settled; rejects with the
 * first failure after that.
 */
export const forEachBounded = async <T>(
  items: readonly T[],
  concurrency: number,
  job: (item: T) => Promise<void>,
): Promise<void> => {
  const failures: unknown[] = []
  const queue = items.values()
  const work = async (): Promise<void> => {
    for (const item of queue) {
      try {
        await job(item)
      } catch (error) {
        failures.push(error)
      }
    }
  }
  await Promise.all(Array.from({ length: Math.min(concurrency, items.length) }, work))
  if (failures.length > 0) throw failures[0]
}

/**
 * Reads by keys that several ask for at the same time, each of which is made once: whoever follows the stream of events wants what another
 * process has just stored, at the same moment as all others who do.
 */
export class SharedReads<K, V> {
  readonly #underWay = new Map<K, Promise<readonly V[]>>()
  /** What was true when those under way began. */
  #edition: string | undefined

  /**
   * What is found under these keys, and perhaps more; `read` is asked for those that nobody is reading. `edition` is another one as soon
   * as something may have changed: who asks then gets nothing that began before.
   */
  async all(
    keys: readonly K[],
    edition: string,
    read: (keys: readonly K[]) => Promise<readonly V[]>,
  ): Promise<readonly V[]> {
    if (edition !== this.#edition) this.#underWay.clear()
    this.#edition = edition
    const reads = new Set<Promise<readonly V[]>>()
    const left: K[] = []
    for (const key of keys) {
      const other = this.#underWay.get(key)
      if (other === undefined) left.push(key)
      else reads.add(other)
    }
    if (left.length > 0) {
      const own = read(left).finally(() => {
        for (const key of left) if (this.#underWay.get(key) === own) this.#underWay.delete(key)
      })
      for (const key of left) this.#underWay.set(key, own)
      reads.add(own)
    }
    return (await Promise.all(reads)).flat()
  }
}

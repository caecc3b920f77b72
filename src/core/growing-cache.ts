import { LRUCache } from 'lru-cache'

type Options<K extends string | number, V extends object | string | number | boolean> = Pick<
  LRUCache.Options<K, V, unknown>,
  'dispose' | 'noDisposeOnSet'
>

const one = (): number => 1

/**
 * A cache of the `max` entries that were used last, which takes memory as it fills. One with LRUCache's own `max` takes
 * room for all of them when it is made: 28 bytes each.
 */
export const growingCache = <K extends string | number, V extends object | string | number | boolean>(
  max: number,
  options: Options<K, V> = {},
): LRUCache<K, V> => new LRUCache({ ...options, maxSize: max, sizeCalculation: one })

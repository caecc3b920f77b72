import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

/**
 * Has the garbage of the start collected. V8 looks through the old generation only once it has grown a good deal, which on a
 * quiet server is never: a third of the heap would be what is left of loading the program. It does so when the event loop
 * is free, and later shrinks the heap by itself, little by little, as it does after every such collection.
 */
export const collectGarbageOfStart = (): void => {
  // The collector is out of reach, but for contexts that are made while this flag is set.
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc') as NodeJS.GCFunction
  setFlagsFromString('--no-expose-gc')
  void collect({ type: 'major', execution: 'async' })
}

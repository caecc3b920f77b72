import type { RoomEvent } from '../../core/event/event.ts'
import {
  type ResolutionInput,
  type ResolutionOutcome,
  resolveInput,
} from '../../core/state-resolution/resolution-input.ts'
import { WorkerPool } from '../worker-pool.ts'

/** Resolves in this thread or in another. */
export interface Resolver {
  resolve(input: ResolutionInput, events: ReadonlyMap<string, RoomEvent>): Promise<ResolutionOutcome>
}

/** Up to so many events, resolving takes less time here than sending them elsewhere takes. */
const INLINE_EVENTS = 60

/** All rooms of the process share its threads. */
const pool = new WorkerPool<ResolutionInput, ResolutionOutcome>(
  new URL('./resolve-worker.ts', import.meta.url),
  { threads: 2 },
)

/** Small conflicts at once, big ones off the main thread: the same pure function either way. */
export const threadedResolver = (inlineEvents = INLINE_EVENTS): Resolver => ({
  resolve: async (input, events) =>
    input.events.length <= inlineEvents ? resolveInput(input, events) : pool.run(input),
})

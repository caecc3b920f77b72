import type { JsonValue } from '../../../core/json.ts'
import type { RoomVersion } from '../../../core/room-versions.ts'
import type { Verified } from '../verify-event.ts'
import type { VerifyOptions } from '../verify-job.ts'

/**
 * Checks format, signatures and hashes of what peers hand over, in slices that leave the event loop to others; one
 * result for each, in the same order.
 */
export type VerifyEvents = (
  pdus: readonly JsonValue[],
  version: RoomVersion,
  options?: VerifyOptions,
) => Promise<readonly Verified[]>

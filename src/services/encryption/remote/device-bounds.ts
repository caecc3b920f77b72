import { MAX_DEVICE_KEYS } from '../uploaded-keys.ts'

/** Devices of one user of another server; more are nobody's. */
export const MAX_DEVICES = 2_000

/**
 * All device keys of one user, in bytes of JSON. Clients ask for those of hundreds of users at once: nobody in a room may make
 * the answer so large that nobody else in it gets one.
 */
const MAX_OF_USER = 1024 * 1024

/** Of a user's devices those that are not too much: whoever has more than that is not understood on all of them. */
export const withinReason = <Device>(
  devices: Iterable<Device>,
  textOf: (device: Device) => string,
): Device[] => {
  const kept: Device[] = []
  let left = MAX_OF_USER
  for (const device of devices) {
    const size = Buffer.byteLength(textOf(device))
    if (size > MAX_DEVICE_KEYS || size > left) continue
    left -= size
    kept.push(device)
    if (kept.length === MAX_DEVICES) break
  }
  return kept
}

/** A device's name is shown in a list; what is longer is cut. */
export const shownName = (name: string): string => name.slice(0, 255).toWellFormed()

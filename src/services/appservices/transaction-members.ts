/** Members of the body of a transaction for an application service, as JSON texts (`"name":value`). */
import type { AddressedMessage } from '../../storage/encryption/to-device.ts'

/** Services of different ages look under different names. */
const COUNT_NAMES = [
  'device_one_time_keys_count',
  'org.matrix.msc3202.device_one_time_keys_count',
  'org.matrix.msc3202.device_one_time_key_counts',
]
const FALLBACK_NAMES = [
  'device_unused_fallback_key_types',
  'org.matrix.msc3202.device_unused_fallback_key_types',
]

const underNames = (names: readonly string[], value: object): string[] =>
  names.map(name => `"${name}":${JSON.stringify(value)}`)

/** Whose devices have changed, and who is no longer met. */
export const deviceListTexts = (lists: {
  readonly changed: readonly string[]
  readonly left: readonly string[]
}): string[] =>
  lists.changed.length + lists.left.length === 0
    ? []
    : underNames(['device_lists', 'org.matrix.msc3202.device_lists'], lists)

/** How many keys the devices of its users have left, by user and device; nothing if there are none. */
export const keyCountTexts = (counts: object, fallbackTypes: object): string[] =>
  Object.keys(counts).length === 0
    ? []
    : [...underNames(COUNT_NAMES, counts), ...underNames(FALLBACK_NAMES, fallbackTypes)]

/** A list (of JSON texts) under its stable and its unstable name; nothing for an empty one. */
export const bothNames = (stable: string, unstable: string, texts: readonly string[]): string[] =>
  texts.length === 0 ? [] : [stable, unstable].map(name => `"${name}":[${texts.join(',')}]`)

/** A message to a device, as services are told it (MSC4203). */
export const messageText = ({ type, sender, content, userId, deviceId }: AddressedMessage): string =>
  `{"type":${JSON.stringify(type)},"sender":${JSON.stringify(sender)},"to_user_id":${JSON.stringify(userId)},` +
  `"to_device_id":${JSON.stringify(deviceId)},"content":${content}}`

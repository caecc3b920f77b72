import type { UserRules } from './rule.ts'

/**
 * A number that those have in common whose rules are the same in a room, whatever they are in other rooms. That others may have
 * it too does no harm: it only says of whom it is likely that an event is the same to them.
 */
export const listeningGroup = ({ own, defaults, followsThreads }: UserRules, roomId: string): number => {
  const { room, ...kinds } = own
  const here = room?.filter(({ rule_id }) => rule_id === roomId) ?? []
  const others = Object.entries(kinds).filter(([, rules]) => rules.length > 0)
  if (here.length + others.length + Object.keys(defaults).length === 0 && followsThreads !== true) return 0
  return hash(JSON.stringify([here, others, defaults, followsThreads === true]))
}

/** FNV-1a. */
const hash = (text: string): number => {
  let value = 0x811c9dc5
  for (let i = 0; i < text.length; i++) value = Math.imul(value ^ text.charCodeAt(i), 0x01000193) >>> 0
  return value
}

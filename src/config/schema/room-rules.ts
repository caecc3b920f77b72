const PATTERNS = {
  user: {
    type: 'string',
    format: 'not-empty',
    default: '*',
    description: 'Users whom it fits: a user ID, in which * and ? may stand for any characters.',
  },
  room: {
    type: 'string',
    format: 'not-empty',
    default: '*',
    description: 'Room IDs that it fits, likewise.',
  },
  alias: {
    type: 'string',
    format: 'not-empty',
    default: '*',
    description: 'Aliases that it fits, likewise.',
  },
} as const

const ACTION = {
  type: 'string',
  enum: ['allow', 'deny'],
  description: 'What becomes of what it fits.',
} as const

/** A rule about who may do what with rooms. */
export const ruleForUsers = {
  type: 'object',
  description: 'One rule.',
  properties: { action: ACTION, user: PATTERNS.user },
} as const

/** The same where it matters which room it is. */
export const ruleForRooms = {
  type: 'object',
  description: 'One rule.',
  properties: { action: ACTION, ...PATTERNS },
} as const

import type { JsonObject } from '../../core/json.ts'
import { type NewRoom, type Preset, presetOf } from './room-templates.ts'

/** Power levels that the operator wants new rooms of a preset to begin with; the names of the settings. */
export interface PowerLevelDefaults {
  readonly usersDefault?: number | undefined
  readonly eventsDefault?: number | undefined
  readonly stateDefault?: number | undefined
  readonly invite?: number | undefined
  readonly kick?: number | undefined
  readonly ban?: number | undefined
  readonly redact?: number | undefined
  /** By type. */
  readonly events: Readonly<Record<string, number>>
}

/** What new rooms get whose makers do not say otherwise. */
export interface RoomDefaults {
  /** Which presets make encrypted rooms. */
  readonly encryptedByDefault: 'none' | 'private' | 'all'
  readonly powerLevels: {
    readonly privateChat: PowerLevelDefaults
    readonly trustedPrivateChat: PowerLevelDefaults
    readonly publicChat: PowerLevelDefaults
  }
}

/** The algorithm that clients of today speak (client-server API, "m.megolm.v1.aes-sha2"). */
const ALGORITHM = 'm.megolm.v1.aes-sha2'

/** The room with what the operator wants of new rooms, wherever its maker has not decided. */
export const withDefaults = (room: NewRoom, defaults: RoomDefaults): NewRoom => ({
  ...room,
  powerLevelDefaults: levelsOf(presetOf(room), defaults.powerLevels),
  encryption: room.encryption ?? (isToBeEncrypted(room, defaults) ? ALGORITHM : undefined),
})

const isToBeEncrypted = (room: NewRoom, { encryptedByDefault }: RoomDefaults): boolean => {
  // In a space nothing is said, and clients cannot read what is encrypted of it.
  if (encryptedByDefault === 'none' || room.creationContent['type'] === 'm.space') return false
  if (encryptedByDefault === 'private' && presetOf(room) === 'public_chat') return false
  return !room.initialState.some(({ type, stateKey }) => type === 'm.room.encryption' && stateKey === '')
}

const levelsOf = (preset: Preset, levels: RoomDefaults['powerLevels']): JsonObject => {
  const given = {
    private_chat: levels.privateChat,
    trusted_private_chat: levels.trustedPrivateChat,
    public_chat: levels.publicChat,
  }[preset]
  const named = {
    users_default: given.usersDefault,
    events_default: given.eventsDefault,
    state_default: given.stateDefault,
    ...{ invite: given.invite, kick: given.kick, ban: given.ban, redact: given.redact },
  }
  const set = Object.entries(named).flatMap(([name, level]) => (level === undefined ? [] : [[name, level]]))
  return { ...Object.fromEntries(set), events: given.events }
}

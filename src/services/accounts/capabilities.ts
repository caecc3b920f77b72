import type { JsonObject } from '../../core/json.ts'
import { DEFAULT_ROOM_VERSION, roomVersions } from '../../core/room-versions.ts'
import type { Requester } from '../requester.ts'
import type { AccountsOptions } from './options.ts'

/** What the requester can do on this server (client-server API, "Capabilities negotiation"). */
export const capabilitiesFor = (
  requester: Requester,
  options: AccountsOptions,
  { defaultRoomVersion, canChangeThreepids }: { defaultRoomVersion?: string; canChangeThreepids: boolean },
) => {
  const isUser = !requester.isGuest
  // What needs interactive authentication is done on the pages of this server instead.
  const canConfirm = isUser && requester.oauthClientId === undefined
  return {
    'm.change_password': { enabled: canConfirm && options.sessions.passwords },
    'm.room_versions': {
      default: defaultRoomVersion ?? DEFAULT_ROOM_VERSION,
      available: Object.fromEntries([...roomVersions.values()].map(({ id, stability }) => [id, stability])),
    },
    ...profileCapabilities(requester, options.fixedProfileFields),
    'm.3pid_changes': { enabled: canConfirm && canChangeThreepids },
    'm.get_login_token': { enabled: canConfirm && options.sessions.loginTokens },
    // Our own extensions (docs/extensions.md).
    'chat.tessera': { enabled: true },
    'm.forget_forced_upon_leave': { enabled: false },
    ...(requester.isAdmin ? { 'm.account_moderation': { suspend: true, lock: true } } : {}),
  }
}

/** "Guest users may only modify their display name" (guest_access.md); what the operator fixes, administrators alone. */
const profileCapabilities = (
  { isGuest, isAdmin, appServiceId }: Requester,
  fixedFields: readonly string[],
): Record<string, JsonObject> => {
  const fixed = isAdmin || appServiceId !== undefined ? [] : fixedFields
  const mayChange = (key: string): boolean => !fixed.includes(key) && (!isGuest || key === 'displayname')
  const mayName = mayChange('displayname')
  const ofUser = { enabled: true, ...(fixed.length === 0 ? {} : { disallowed: [...fixed] }) }
  return {
    'm.profile_fields': isGuest ? { enabled: mayName, allowed: mayName ? ['displayname'] : [] } : ofUser,
    'm.set_displayname': { enabled: mayName },
    'm.set_avatar_url': { enabled: mayChange('avatar_url') },
  }
}

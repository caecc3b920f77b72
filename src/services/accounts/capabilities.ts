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
    // "Guest users may only modify their display name" (guest_access.md).
    'm.profile_fields': isUser ? { enabled: true } : { enabled: true, allowed: ['displayname'] },
    'm.set_displayname': { enabled: true },
    'm.set_avatar_url': { enabled: isUser },
    'm.3pid_changes': { enabled: canConfirm && canChangeThreepids },
    'm.get_login_token': { enabled: canConfirm && options.sessions.loginTokens },
    // Our own extensions (docs/extensions.md).
    'chat.tessera': { enabled: true },
    'm.forget_forced_upon_leave': { enabled: false },
    ...(requester.isAdmin ? { 'm.account_moderation': { suspend: true, lock: true } } : {}),
  }
}

/**
 * What the official structure does not say: our extensions, as first values for a seeded operation. After seeding,
 * `api-spec` is the truth and these tables are not read again for it.
 */
import type { Json, JsonMap, OfficialOperation } from './official.ts'

/** Operations where the official security is missing or wrong. */
const SECURITY: Record<string, Json> = {
  // Officially a signed request, in a client API; the text says that access tokens are optional.
  getRoomSummary: [{}, { accessToken: [] }],
  // Officially an access token, in the federation API.
  federationGetEventByTimestamp: [{ signedRequest: [] }],
}

/** guest_access.md, "Client behaviour". */
const GUESTS = new Set([
  ...[
    'getRoomState',
    'getEventContext',
    'getOneRoomEvent',
    'getRoomStateWithKey',
    'getRoomEvents',
    'getMembersByRoom',
  ],
  ...[
    'roomInitialSync',
    'sync',
    'getEvents',
    'peekEvents',
    'getContentAuthed',
    'getContentOverrideNameAuthed',
  ],
  ...[
    'getContentThumbnailAuthed',
    'joinRoomById',
    'leaveRoom',
    'sendMessage',
    'setRoomStateWithKey',
    'sendToDevice',
  ],
  ...['setProfileField', 'deleteProfileField', 'getDevices', 'getDevice', 'updateDevice', 'getTokenOwner'],
  ...['uploadKeys', 'queryKeys', 'claimKeys'],
  // Not on that list, but a guest's client cannot start or end without them.
  ...[
    'getVersions',
    'getCapabilities',
    'getPushRules',
    'defineFilter',
    'getFilter',
    'logout',
    'logout_all',
    'joinRoom',
  ],
  ...['getRoomSummary', 'getSpaceHierarchy', 'getProfileField', 'getUserProfile'],
])

/** client-server-api "Account suspension", the recommended set of forbidden actions. */
const REFUSED_WHEN_SUSPENDED = new Set([
  ...['joinRoom', 'joinRoomById', 'knockRoom', 'inviteUser', 'inviteBy3PID', 'createRoom', 'upgradeRoom'],
  ...['setProfileField', 'deleteProfileField', 'ban', 'unban', 'kick', 'setTyping'],
])

/** There the handler decides, by the event: a suspended user may redact their own events, and leave. */
const JUDGED_WHEN_SUSPENDED = new Set(['sendMessage', 'redactEvent', 'setRoomStateWithKey'])

/** client-server-api "Account locking". */
const ALLOWED_WHEN_LOCKED = new Set(['logout', 'logout_all'])

/** Operations that the text subjects to user-interactive authentication. */
const USER_INTERACTIVE = new Set([
  ...['register', 'deactivateAccount', 'changePassword', 'add3PID', 'uploadCrossSigningKeys', 'deleteDevice'],
  ...['deleteDevices', 'generateLoginToken'],
])

/** Where clients omit the body that the document calls required. */
const BODY_OPTIONAL = new Set([
  ...[
    'joinRoom',
    'joinRoomById',
    'knockRoom',
    'leaveRoom',
    'deleteDevice',
    'requestOpenIdToken',
    'postReceipt',
  ],
  ...['generateLoginToken', 'setReadMarker', 'pingAppservice'],
])

const KIBIBYTE = 1024
const MEBIBYTE = 1024 * KIBIBYTE

/** Bytes. An event may hold 64 KiB, but escapes in JSON make a body up to four times as long. */
const BODY_LIMIT: Record<string, number> = {
  sendMessage: 256 * KIBIBYTE,
  setRoomStateWithKey: 256 * KIBIBYTE,
  setAccountData: MEBIBYTE,
  setAccountDataPerRoom: MEBIBYTE,
  // What is too large for a profile is for the profile to say.
  setProfileField: MEBIBYTE,
  createRoom: 4 * MEBIBYTE,
  uploadKeys: MEBIBYTE,
  queryKeys: 4 * MEBIBYTE,
  claimKeys: 4 * MEBIBYTE,
  uploadCrossSigningKeys: 256 * KIBIBYTE,
  uploadCrossSigningSignatures: 4 * MEBIBYTE,
  sendToDevice: 8 * MEBIBYTE,
  putRoomKeys: 16 * MEBIBYTE,
  putRoomKeysByRoomId: 16 * MEBIBYTE,
  putRoomKeyBySessionId: 256 * KIBIBYTE,
  // 50 PDUs of 64 KiB and 100 EDUs, some of which carry whole to-device messages.
  sendTransaction: 16 * MEBIBYTE,
  sendInviteV1: 512 * KIBIBYTE,
  sendInviteV2: MEBIBYTE,
  sendJoinV2: 256 * KIBIBYTE,
  sendLeaveV2: 256 * KIBIBYTE,
  sendKnock: 256 * KIBIBYTE,
  exchangeThirdPartyInvite: 256 * KIBIBYTE,
  getMissingPreviousEvents: MEBIBYTE,
  claimUserEncryptionKeys: 4 * MEBIBYTE,
  queryUserEncryptionKeys: 4 * MEBIBYTE,
  bulkPerspectivesKeyQuery: MEBIBYTE,
  askPolicyServerToSign: 256 * KIBIBYTE,
}

const BUCKETS: Record<string, string[]> = {
  login: ['login', 'refresh', 'generateLoginToken'],
  register: ['register', 'checkUsernameAvailability', 'registrationTokenValidity'],
  message: ['sendMessage', 'setRoomStateWithKey', 'redactEvent', 'ban', 'unban', 'kick', 'leaveRoom'],
  join: ['joinRoom', 'joinRoomById', 'knockRoom'],
  invite: ['inviteUser', 'inviteBy3PID'],
  'create-room': ['createRoom', 'upgradeRoom'],
  ephemeral: ['setTyping', 'postReceipt', 'setReadMarker', 'setPresence'],
  sync: ['sync', 'getEvents', 'peekEvents', 'initialSync', 'roomInitialSync'],
  search: [
    'search',
    'searchUserDirectory',
    'queryPublicRooms',
    'getSpaceHierarchy',
    'getMutualRooms',
    'getPublicRooms',
  ],
  account: [
    'changePassword',
    'deactivateAccount',
    'deleteDevice',
    'deleteDevices',
    'uploadCrossSigningKeys',
    'add3PID',
  ],
  upload: ['uploadContent', 'uploadContentToMXC', 'createContent'],
  'federation-join': [
    'makeJoin',
    'sendJoinV2',
    'makeKnock',
    'sendKnock',
    'makeLeave',
    'sendLeaveV2',
    'sendInviteV1',
    'sendInviteV2',
  ],
}

const bucketOf = (id: string, official: OfficialOperation, anonymous: boolean): string => {
  for (const [bucket, ids] of Object.entries(BUCKETS)) if (ids.includes(id)) return bucket
  if (official.area === 'server-server') return anonymous ? 'public' : 'federation'
  if (/requestToken/i.test(id)) return 'third-party-token'
  if (official.path.includes('/media/')) return official.path.includes('preview') ? 'preview' : 'download'
  if (/\/keys\/|\/sendToDevice\/|\/room_keys\//.test(official.path)) return 'keys'
  if (anonymous) return 'public'
  return official.method === 'get' ? 'read' : 'write'
}

/** Our corrected security requirement, with our scheme names. */
export const securityOf = (id: string, official: OfficialOperation): Json[] => {
  const corrected = SECURITY[id]
  if (Array.isArray(corrected)) return corrected
  const names: Record<string, string> = {
    accessTokenBearer: 'accessToken',
    appserviceAccessTokenBearer: 'appServiceToken',
    signedRequest: 'signedRequest',
  }
  const requirements = Array.isArray(official.operation.security) ? official.operation.security : []
  return requirements.map(requirement =>
    Object.fromEntries(Object.keys(requirement as JsonMap).map(name => [names[name] ?? name, []])),
  )
}

/** Paths of proposals that clients still use, although they are stable by now. */
const UNSTABLE_ALIASES: Readonly<Record<string, readonly string[]>> = {
  getRoomSummary: [
    '/_matrix/client/unstable/im.nheko.summary/summary/{roomIdOrAlias}',
    '/_matrix/client/unstable/im.nheko.summary/rooms/{roomIdOrAlias}/summary',
  ],
  getAuthMetadata: ['/_matrix/client/unstable/org.matrix.msc2965/auth_metadata'],
}

/** Key backups and cross-signing were there before they were specified, and clients of 2022 (matrix-js-sdk before 20) still ask so. */
const ONCE_UNSTABLE = /\/v3\/(room_keys\/|keys\/(device_signing|signatures)\/)/

/** Prefixes that clients still use: `r0` everywhere that became v3 with v1.1 of the specification. */
const aliasesOf = (official: OfficialOperation): string[] => {
  const aliases: string[] = [...(UNSTABLE_ALIASES[official.operationId] ?? [])]
  if (/^\/_matrix\/(client|media)\/v3\//.test(official.path))
    aliases.push(official.path.replace('/v3/', '/r0/'))
  if (ONCE_UNSTABLE.test(official.path)) aliases.push(official.path.replace('/v3/', '/unstable/'))
  if (/^\/_matrix\/media\/v3\//.test(official.path)) aliases.push(official.path.replace('/v3/', '/v1/'))
  if (official.path.endsWith('/')) aliases.push(...[official.path, ...aliases].map(path => path.slice(0, -1)))
  return aliases
}

/** The extensions of a seeded operation; what equals the default is left out. */
export const extensionsOf = (id: string, official: OfficialOperation): JsonMap => {
  const security = securityOf(id, official)
  const extensions: JsonMap = {}
  const aliases = aliasesOf(official)
  if (aliases.length > 0) extensions['x-aliases'] = aliases
  extensions['x-rate-limit'] = bucketOf(id, official, security.length === 0)
  if (USER_INTERACTIVE.has(id)) extensions['x-user-interactive'] = true
  if (GUESTS.has(id)) extensions['x-guest'] = 'allow'
  if (REFUSED_WHEN_SUSPENDED.has(id)) extensions['x-when-suspended'] = 'refuse'
  if (JUDGED_WHEN_SUSPENDED.has(id)) extensions['x-when-suspended'] = 'handler'
  if (ALLOWED_WHEN_LOCKED.has(id)) extensions['x-when-locked'] = 'allow'
  if (BODY_LIMIT[id] !== undefined) extensions['x-body-limit'] = BODY_LIMIT[id]
  if (official.path.endsWith('/{stateKey}')) extensions['x-may-be-empty'] = 'stateKey'
  return extensions
}

export const bodyIsOptional = (id: string): boolean => BODY_OPTIONAL.has(id)

import { endpoint } from '../../http/endpoint.ts'
import { operations } from '../../spec/operations.ts'

/** Historical versions whose endpoints we still answer, then every version up to the one that we implement. */
const VERSIONS = [
  ...['r0.0.1', 'r0.1.0', 'r0.2.0', 'r0.3.0', 'r0.4.0', 'r0.5.0', 'r0.6.0', 'r0.6.1'],
  ...Array.from({ length: 19 }, (_, index) => `v1.${index + 1}`),
]

/** Flags that clients ask for, whatever versions are listed, each with the path without which it would be untrue. */
const FEATURES: Readonly<Record<string, string>> = {
  'chat.tessera': '/_matrix/client/unstable/chat.tessera/rooms/{roomIdOrAlias}/record',
  'org.matrix.simplified_msc3575': '/_matrix/client/unstable/org.matrix.simplified_msc3575/sync',
  'org.matrix.msc3391': '/_matrix/client/unstable/org.matrix.msc3391/user/{userId}/account_data/{type}',
  'org.matrix.msc3890': '/_matrix/client/v3/user/{userId}/account_data/{type}',
  'org.matrix.msc4140': '/_matrix/client/unstable/org.matrix.msc4140/delayed_events',
  'org.matrix.msc4143': '/_matrix/client/unstable/org.matrix.msc4143/rtc/transports',
  'org.matrix.msc4262': '/_matrix/client/unstable/org.matrix.simplified_msc3575/sync',
  'org.matrix.msc4306':
    '/_matrix/client/unstable/io.element.msc4306/rooms/{roomId}/thread/{eventId}/subscription',
  'org.matrix.msc4293': '/_matrix/client/v3/rooms/{roomId}/ban',
  'org.matrix.msc4354': '/_matrix/client/v3/sync',
  'uk.tcpip.msc4133': '/_matrix/client/unstable/uk.tcpip.msc4133/profile/{userId}/{keyName}',
  'uk.tcpip.msc4133.stable': '/_matrix/client/v3/profile/{userId}/{keyName}',
  'org.matrix.msc2285.stable': '/_matrix/client/v3/rooms/{roomId}/receipt/{receiptType}/{eventId}',
  'org.matrix.msc3771': '/_matrix/client/v3/rooms/{roomId}/receipt/{receiptType}/{eventId}',
  'org.matrix.msc3773': '/_matrix/client/v3/rooms/{roomId}/receipt/{receiptType}/{eventId}',
  'org.matrix.msc3916.stable': '/_matrix/client/v1/media/download/{serverName}/{mediaId}',
  'org.matrix.msc3874': '/_matrix/client/v3/rooms/{roomId}/messages',
  'org.matrix.msc3912': '/_matrix/client/v3/rooms/{roomId}/redact/{eventId}/{txnId}',
  'org.matrix.msc4155': '/_matrix/client/v3/rooms/{roomId}/invite',
  'org.matrix.msc4380.stable': '/_matrix/client/v3/rooms/{roomId}/invite',
  'org.matrix.msc4222': '/_matrix/client/v3/sync',
  'uk.half-shot.msc2666.query_mutual_rooms':
    '/_matrix/client/unstable/uk.half-shot.msc2666/user/mutual_rooms',
  'uk.half-shot.msc2666.query_mutual_rooms.stable': '/_matrix/client/v1/mutual_rooms',
  'org.matrix.msc3440.stable': '/_matrix/client/v1/rooms/{roomId}/threads',
  'org.matrix.msc3856.stable': '/_matrix/client/v1/rooms/{roomId}/threads',
  'org.matrix.msc3981': '/_matrix/client/v1/rooms/{roomId}/relations/{eventId}',
  'org.matrix.msc3827.stable': '/_matrix/client/v3/publicRooms',
  'fi.mau.msc2659.stable': '/_matrix/client/v1/appservice/{appserviceId}/ping',
}

const SERVED: ReadonlySet<string> = new Set(Object.values(operations).flatMap(({ paths }) => [...paths]))

export const getVersions = endpoint('getVersions', async (_call, { accounts }) => ({
  versions: VERSIONS,
  unstable_features: {
    ...Object.fromEntries(Object.entries(FEATURES).map(([flag, path]) => [flag, SERVED.has(path)])),
    // What MSC4108 was in 2024: clients of that form begin without saying who they are.
    'org.matrix.msc4108': accounts.rendezvous.isOpen,
    // New rooms are encrypted when their makers say so.
    'io.element.e2ee_forced.public': false,
    'io.element.e2ee_forced.private': false,
    'io.element.e2ee_forced.trusted_private': false,
  },
}))

/**
 * A room version is a row: flags grouped by who reads them, derived from the previous version by spread
 * (rooms/v1.md … v12.md). Nothing in Tessera compares version numbers; it reads a flag.
 */
export interface RoomVersion {
  readonly id: string
  /** `stable` versions may be chosen for new rooms without surprise. */
  readonly stability: 'stable' | 'unstable'
  readonly format: {
    /** `given`: `event_id` is a member of the event (v1, v2); otherwise the reference hash in this base64. */
    readonly eventId: 'given' | 'hash-base64' | 'hash-base64url'
    /** References in `prev_events`/`auth_events`: `[id, hashes]` pairs (v1, v2) or plain IDs. */
    readonly references: 'pairs' | 'ids'
    /** v12: the room ID is the create event's ID with `!`, and the create event carries no `room_id`. */
    readonly roomIdIsCreateHash: boolean
    /** v6: canonical JSON is enforced: integers only, within ±(2^53 − 1). */
    readonly strictCanonicalJson: boolean
    /** v11: `redacts` lives in `content`; before, at the top level. */
    readonly redactsInContent: boolean
  }
  readonly signatures: {
    /** v5: a key must have been valid at `origin_server_ts`. */
    readonly enforceKeyValidity: boolean
    /** v1, v2: the server in the event ID signs too, where it is not the sender's. */
    readonly eventIdServer: boolean
    /** v8: the server of `join_authorised_via_users_server` signs restricted joins. */
    readonly restrictedJoinServer: boolean
  }
  readonly redaction: {
    /** v6 stops keeping `m.room.aliases`' aliases. */
    readonly keepAliases: boolean
    /** v8: keep `allow` of `m.room.join_rules`. */
    readonly keepJoinRulesAllow: boolean
    /** v9: keep `join_authorised_via_users_server` of `m.room.member`. */
    readonly keepJoinAuthorised: boolean
    /** v11: whole create content, `invite` of power levels, `redacts` of redactions, `third_party_invite.signed`. */
    readonly v11Rules: boolean
    /** Before v11, `origin`, `membership` and `prev_state` are kept at the top level. */
    readonly keepLegacyTopLevel: boolean
    /** v1, v2: redactions are authorised by the auth rules; from v3 they are checked when applied. */
    readonly authorisedByAuthRules: boolean
  }
  readonly auth: {
    /** v6 removed the special rule for `m.room.aliases`. */
    readonly aliasesRule: boolean
    /** v6: `notifications` power levels are checked. */
    readonly checkNotificationLevels: boolean
    /** v7. */
    readonly knock: boolean
    /** v8. */
    readonly restricted: boolean
    /** v10. */
    readonly knockRestricted: boolean
    /** v10: power levels must be integers; before, strings (and floats) are read as specified. */
    readonly integerPowerLevels: boolean
    /** v11: the creator is the sender of the create event; before, its `content.creator`. */
    readonly creatorIsSender: boolean
    /** v12: creators (with `additional_creators`) have infinite power and stand outside `users`. */
    readonly privilegedCreators: boolean
    /** v12: the create event is implied by the room ID and never among the auth events. */
    readonly createEventImplied: boolean
  }
  readonly stateResolution: 'v1' | 'v2' | 'v2.1'
}

const v1: RoomVersion = {
  id: '1',
  stability: 'stable',
  format: {
    eventId: 'given',
    references: 'pairs',
    roomIdIsCreateHash: false,
    strictCanonicalJson: false,
    redactsInContent: false,
  },
  signatures: { enforceKeyValidity: false, eventIdServer: true, restrictedJoinServer: false },
  redaction: {
    keepAliases: true,
    keepJoinRulesAllow: false,
    keepJoinAuthorised: false,
    v11Rules: false,
    keepLegacyTopLevel: true,
    authorisedByAuthRules: true,
  },
  auth: {
    aliasesRule: true,
    checkNotificationLevels: false,
    knock: false,
    restricted: false,
    knockRestricted: false,
    integerPowerLevels: false,
    creatorIsSender: false,
    privilegedCreators: false,
    createEventImplied: false,
  },
  stateResolution: 'v1',
}

const v2: RoomVersion = { ...v1, id: '2', stateResolution: 'v2' }

const v3: RoomVersion = {
  ...v2,
  id: '3',
  format: { ...v2.format, eventId: 'hash-base64', references: 'ids' },
  signatures: { ...v2.signatures, eventIdServer: false },
  redaction: { ...v2.redaction, authorisedByAuthRules: false },
}

const v4: RoomVersion = { ...v3, id: '4', format: { ...v3.format, eventId: 'hash-base64url' } }

const v5: RoomVersion = { ...v4, id: '5', signatures: { ...v4.signatures, enforceKeyValidity: true } }

const v6: RoomVersion = {
  ...v5,
  id: '6',
  format: { ...v5.format, strictCanonicalJson: true },
  redaction: { ...v5.redaction, keepAliases: false },
  auth: { ...v5.auth, aliasesRule: false, checkNotificationLevels: true },
}

const v7: RoomVersion = { ...v6, id: '7', auth: { ...v6.auth, knock: true } }

const v8: RoomVersion = {
  ...v7,
  id: '8',
  signatures: { ...v7.signatures, restrictedJoinServer: true },
  redaction: { ...v7.redaction, keepJoinRulesAllow: true },
  auth: { ...v7.auth, restricted: true },
}

const v9: RoomVersion = { ...v8, id: '9', redaction: { ...v8.redaction, keepJoinAuthorised: true } }

const v10: RoomVersion = {
  ...v9,
  id: '10',
  auth: { ...v9.auth, knockRestricted: true, integerPowerLevels: true },
}

const v11: RoomVersion = {
  ...v10,
  id: '11',
  format: { ...v10.format, redactsInContent: true },
  redaction: { ...v10.redaction, v11Rules: true, keepLegacyTopLevel: false },
  auth: { ...v10.auth, creatorIsSender: true },
}

const v12: RoomVersion = {
  ...v11,
  id: '12',
  format: { ...v11.format, roomIdIsCreateHash: true },
  auth: { ...v11.auth, privilegedCreators: true, createEventImplied: true },
  stateResolution: 'v2.1',
}

/** Every room version that this server knows, by its ID. */
export const roomVersions: ReadonlyMap<string, RoomVersion> = new Map(
  [v1, v2, v3, v4, v5, v6, v7, v8, v9, v10, v11, v12].map(version => [version.id, version]),
)

/** The room version with this ID; `undefined` for one that this server does not know. */
export const roomVersion = (id: string): RoomVersion | undefined => roomVersions.get(id)

/** What new rooms get unless configured otherwise ("SHOULD use room version 12"). */
export const DEFAULT_ROOM_VERSION = '12'

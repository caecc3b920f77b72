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
    /** v1 and v2 keep further top-level members (`origin`, `membership`, `prev_state`); gone in v11. */
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

// Generated from api-spec by `npm run spec`. Do not edit.
import type { JsonObject, JsonValue } from '../core/json.ts'

export type { JsonObject, JsonValue }
export type NoMembers = Readonly<Record<never, never>>

export type AdministeredDevice = { readonly device_id: string; readonly user_id: string; readonly display_name: string | null; readonly last_seen_ip: string | null; readonly last_seen_ts: number | null; readonly last_seen_user_agent: string | null; readonly dehydrated?: boolean | undefined }
export type AdministeredDeviceRequest = { readonly device_id: string; readonly user_id: string; readonly display_name: string | null; readonly last_seen_ip: string | null; readonly last_seen_ts: number | null; readonly last_seen_user_agent: string | null; readonly dehydrated?: boolean }
export type AdministeredRoom = { readonly room_id: string; readonly name: string | null; readonly canonical_alias: string | null; readonly joined_members: number; readonly joined_local_members: number; readonly version: string; readonly creator: string; readonly encryption: string | null; readonly federatable: boolean; readonly public: boolean; readonly join_rules: string | null; readonly guest_access: string | null; readonly history_visibility: string | null; readonly state_events: number; readonly room_type: string | null }
export type AdministeredRoomRequest = { readonly room_id: string; readonly name: string | null; readonly canonical_alias: string | null; readonly joined_members: number; readonly joined_local_members: number; readonly version: string; readonly creator: string; readonly encryption: string | null; readonly federatable: boolean; readonly public: boolean; readonly join_rules: string | null; readonly guest_access: string | null; readonly history_visibility: string | null; readonly state_events: number; readonly room_type: string | null }
export type AdministeredToken = { readonly token: string; readonly uses_allowed: number | null; readonly pending: number; readonly completed: number; readonly expiry_time: number | null }
export type AdministeredTokenRequest = { readonly token: string; readonly uses_allowed: number | null; readonly pending: number; readonly completed: number; readonly expiry_time: number | null }
export type AdministeredUser = { readonly name: string; readonly displayname: string | null; readonly avatar_url: string | null; readonly threepids: readonly { readonly medium: string; readonly address: string; readonly added_at: number; readonly validated_at: number }[]; readonly external_ids: readonly { readonly auth_provider: string; readonly external_id: string }[]; readonly is_guest: boolean; readonly admin: boolean; readonly deactivated: boolean; readonly erased: boolean; readonly shadow_banned: boolean; readonly locked: boolean; readonly suspended: boolean; readonly creation_ts: number; readonly last_seen_ts: number | null; readonly appservice_id: string | null; readonly consent_server_notice_sent: string | null; readonly consent_version: string | null; readonly consent_ts: number | null; readonly user_type: string | null }
export type AdministeredUserRequest = { readonly name: string; readonly displayname: string | null; readonly avatar_url: string | null; readonly threepids: readonly { readonly medium: string; readonly address: string; readonly added_at: number; readonly validated_at: number }[]; readonly external_ids: readonly { readonly auth_provider: string; readonly external_id: string }[]; readonly is_guest: boolean; readonly admin: boolean; readonly deactivated: boolean; readonly erased: boolean; readonly shadow_banned: boolean; readonly locked: boolean; readonly suspended: boolean; readonly creation_ts: number; readonly last_seen_ts: number | null; readonly appservice_id: string | null; readonly consent_server_notice_sent: string | null; readonly consent_version: string | null; readonly consent_ts: number | null; readonly user_type: string | null }
export type AdministeredUsers = { readonly users: readonly { readonly name: string; readonly displayname: string | null; readonly avatar_url: string | null; readonly user_type: string | null; readonly is_guest: boolean; readonly admin: boolean; readonly deactivated: boolean; readonly erased: boolean; readonly shadow_banned: boolean; readonly locked: boolean; readonly suspended?: boolean | undefined; readonly creation_ts: number; readonly last_seen_ts: number | null }[]; readonly next_token?: string | undefined; readonly total: number }
export type AdministeredUsersRequest = { readonly users: readonly { readonly name: string; readonly displayname: string | null; readonly avatar_url: string | null; readonly user_type: string | null; readonly is_guest: boolean; readonly admin: boolean; readonly deactivated: boolean; readonly erased: boolean; readonly shadow_banned: boolean; readonly locked: boolean; readonly suspended?: boolean; readonly creation_ts: number; readonly last_seen_ts: number | null }[]; readonly next_token?: string; readonly total: number }
export type AuthData = { readonly type?: string | undefined; readonly session?: string | undefined }
export type AuthDataRequest = { readonly type?: string; readonly session?: string } & JsonObject
export type AuthResponse = { readonly flows: readonly { readonly stages: readonly string[] }[]; readonly params?: Readonly<Record<string, JsonObject>> | undefined; readonly session?: string | undefined; readonly completed?: readonly string[] | undefined }
export type AuthResponseRequest = { readonly flows: readonly { readonly stages: readonly string[] }[]; readonly params?: Readonly<Record<string, JsonObject>>; readonly session?: string; readonly completed?: readonly string[] }
export type ClientDevice = { readonly device_id: string; readonly display_name?: string | undefined; readonly last_seen_ip?: string | undefined; readonly last_seen_ts?: number | undefined }
export type ClientDeviceRequest = { readonly device_id: string; readonly display_name?: string; readonly last_seen_ip?: string; readonly last_seen_ts?: number }
export type ClientEvent = { readonly event_id: string; readonly type: string; readonly state_key?: string | undefined; readonly sender: string; readonly origin_server_ts: number; readonly content: JsonObject; readonly unsigned?: { readonly age?: number | undefined; readonly redacted_because?: JsonObject | undefined; readonly transaction_id?: string | undefined; readonly prev_content?: JsonObject | undefined; readonly replaces_state?: string | undefined; readonly membership?: string | undefined } | undefined; readonly room_id: string }
export type ClientEventRequest = { readonly event_id: string; readonly type: string; readonly state_key?: string; readonly sender: string; readonly origin_server_ts: number; readonly content: JsonObject; readonly unsigned?: { readonly age?: number; readonly redacted_because?: JsonObject; readonly transaction_id?: string; readonly prev_content?: JsonObject; readonly replaces_state?: string; readonly membership?: string }; readonly room_id: string }
export type ClientEventWithoutRoomId = { readonly event_id: string; readonly type: string; readonly state_key?: string | undefined; readonly sender: string; readonly origin_server_ts: number; readonly content: JsonObject; readonly unsigned?: { readonly age?: number | undefined; readonly redacted_because?: JsonObject | undefined; readonly transaction_id?: string | undefined; readonly prev_content?: JsonObject | undefined; readonly replaces_state?: string | undefined; readonly membership?: string | undefined } | undefined }
export type ClientEventWithoutRoomIdRequest = { readonly event_id: string; readonly type: string; readonly state_key?: string; readonly sender: string; readonly origin_server_ts: number; readonly content: JsonObject; readonly unsigned?: { readonly age?: number; readonly redacted_because?: JsonObject; readonly transaction_id?: string; readonly prev_content?: JsonObject; readonly replaces_state?: string; readonly membership?: string } }
export type CrossSigningKey = { readonly user_id: string; readonly usage: readonly ("master" | "self_signing" | "user_signing")[]; readonly keys: Readonly<Record<string, string>>; readonly signatures?: JsonObject | undefined }
export type CrossSigningKeyRequest = { readonly user_id: string; readonly usage: readonly ("master" | "self_signing" | "user_signing")[]; readonly keys: Readonly<Record<string, string>>; readonly signatures?: JsonObject }
export type DelayedEvent = { readonly delay_id: string; readonly room_id: string; readonly type: string; readonly state_key?: string | undefined; readonly delay_ms: number; readonly scheduled_at: number; readonly content: JsonObject; readonly error?: JsonObject | undefined; readonly event_id?: string | undefined; readonly finalised_ts?: number | undefined }
export type DelayedEventRequest = { readonly delay_id: string; readonly room_id: string; readonly type: string; readonly state_key?: string; readonly delay_ms: number; readonly scheduled_at: number; readonly content: JsonObject; readonly error?: JsonObject; readonly event_id?: string; readonly finalised_ts?: number }
export type DeletedMedia = { readonly deleted_media: readonly string[]; readonly total: number }
export type DeletedMediaRequest = { readonly deleted_media: readonly string[]; readonly total: number }
export type DeviceKeys = { readonly user_id: string; readonly device_id: string; readonly algorithms: readonly string[]; readonly keys: Readonly<Record<string, string>>; readonly signatures: Readonly<Record<string, Readonly<Record<string, string>>>> }
export type DeviceKeysRequest = { readonly user_id: string; readonly device_id: string; readonly algorithms: readonly string[]; readonly keys: Readonly<Record<string, string>>; readonly signatures: Readonly<Record<string, Readonly<Record<string, string>>>> }
export type DiscoveryInformation = { readonly "m.homeserver": HomeserverInformation; readonly "m.identity_server"?: IdentityServerInformation | undefined }
export type DiscoveryInformationRequest = { readonly "m.homeserver": HomeserverInformationRequest; readonly "m.identity_server"?: IdentityServerInformationRequest } & JsonObject
export type Event = { readonly content: JsonObject; readonly type: string }
export type EventRequest = { readonly content: JsonObject; readonly type: string }
export type EventBatch = { readonly events?: readonly Event[] | undefined }
export type EventBatchRequest = { readonly events?: readonly EventRequest[] }
export type EventFilter = { readonly limit?: number | undefined; readonly not_senders?: readonly string[] | undefined; readonly not_types?: readonly string[] | undefined; readonly senders?: readonly string[] | undefined; readonly types?: readonly string[] | undefined }
export type EventFilterRequest = { readonly limit?: number; readonly not_senders?: readonly string[]; readonly not_types?: readonly string[]; readonly senders?: readonly string[]; readonly types?: readonly string[] }
export type EventReport = { readonly id: number; readonly received_ts: number; readonly room_id: string; readonly event_id: string; readonly user_id: string; readonly score: null; readonly reason: string | null; readonly sender: string | null; readonly canonical_alias: string | null; readonly name: string | null }
export type EventReportRequest = { readonly id: number; readonly received_ts: number; readonly room_id: string; readonly event_id: string; readonly user_id: string; readonly score: null; readonly reason: string | null; readonly sender: string | null; readonly canonical_alias: string | null; readonly name: string | null }
export type FederationDestination = { readonly destination: string; readonly retry_last_ts: number; readonly retry_interval: number; readonly failure_ts: number | null; readonly last_successful_stream_ordering: number | null }
export type FederationDestinationRequest = { readonly destination: string; readonly retry_last_ts: number; readonly retry_interval: number; readonly failure_ts: number | null; readonly last_successful_stream_ordering: number | null }
export type Filter = { readonly event_fields?: readonly string[] | undefined; readonly event_format?: "client" | "federation" | undefined; readonly presence?: EventFilter | undefined; readonly account_data?: EventFilter | undefined; readonly room?: { readonly not_rooms?: readonly string[] | undefined; readonly rooms?: readonly string[] | undefined; readonly ephemeral?: RoomEventFilter | undefined; readonly include_leave?: boolean | undefined; readonly state?: RoomEventFilter | undefined; readonly timeline?: RoomEventFilter | undefined; readonly account_data?: RoomEventFilter | undefined } | undefined }
export type FilterRequest = { readonly event_fields?: readonly string[]; readonly event_format?: "client" | "federation"; readonly presence?: EventFilterRequest; readonly account_data?: EventFilterRequest; readonly room?: { readonly not_rooms?: readonly string[]; readonly rooms?: readonly string[]; readonly ephemeral?: RoomEventFilterRequest; readonly include_leave?: boolean; readonly state?: RoomEventFilterRequest; readonly timeline?: RoomEventFilterRequest; readonly account_data?: RoomEventFilterRequest } }
export type HomeserverInformation = { readonly base_url: string }
export type HomeserverInformationRequest = { readonly base_url: string }
export type IdentityServerInformation = { readonly base_url: string }
export type IdentityServerInformationRequest = { readonly base_url: string }
export type Invite3pid = { readonly id_server?: string | undefined; readonly id_access_token?: string | undefined; readonly medium: string; readonly address: string }
export type Invite3pidRequest = { readonly id_server?: string; readonly id_access_token?: string; readonly medium: string; readonly address: string }
export type KeyBackupData = { readonly first_message_index: number; readonly forwarded_count: number; readonly is_verified: boolean; readonly session_data: JsonObject }
export type KeyBackupDataRequest = { readonly first_message_index: number; readonly forwarded_count: number; readonly is_verified: boolean; readonly session_data: JsonObject }
export type KeysQueryResponse = { readonly server_keys?: readonly JsonObject[] | undefined }
export type KeysQueryResponseRequest = { readonly server_keys?: readonly JsonObject[] }
export type OneTimeKeys = Readonly<Record<string, (string | { readonly key: string; readonly signatures: Readonly<Record<string, JsonObject>> })>>
export type OneTimeKeysRequest = Readonly<Record<string, (string | { readonly key: string; readonly signatures: Readonly<Record<string, JsonObject>> })>>
export type OpenIdToken = { readonly access_token: string; readonly token_type: string; readonly matrix_server_name: string; readonly expires_in: number }
export type OpenIdTokenRequest = { readonly access_token: string; readonly token_type: string; readonly matrix_server_name: string; readonly expires_in: number }
export type PublicRoomsChunk = { readonly canonical_alias?: string | undefined; readonly name?: string | undefined; readonly num_joined_members: number; readonly room_id: string; readonly topic?: string | undefined; readonly world_readable: boolean; readonly guest_can_join: boolean; readonly avatar_url?: string | undefined; readonly join_rule?: string | undefined; readonly room_type?: string | undefined }
export type PublicRoomsChunkRequest = { readonly canonical_alias?: string; readonly name?: string; readonly num_joined_members: number; readonly room_id: string; readonly topic?: string; readonly world_readable: boolean; readonly guest_can_join: boolean; readonly avatar_url?: string; readonly join_rule?: string; readonly room_type?: string }
export type PublicRoomsResponse = { readonly chunk: readonly PublicRoomsChunk[]; readonly next_batch?: string | undefined; readonly prev_batch?: string | undefined; readonly total_room_count_estimate?: number | undefined }
export type PublicRoomsResponseRequest = { readonly chunk: readonly PublicRoomsChunkRequest[]; readonly next_batch?: string; readonly prev_batch?: string; readonly total_room_count_estimate?: number }
export type PushCondition = { readonly kind: string; readonly key?: string | undefined; readonly pattern?: string | undefined; readonly is?: string | undefined; readonly value?: string | number | boolean | null | undefined; readonly subscribed?: boolean | undefined }
export type PushConditionRequest = { readonly kind: string; readonly key?: string; readonly pattern?: string; readonly is?: string; readonly value?: string | number | boolean | null; readonly subscribed?: boolean }
export type PushRule = { readonly actions: readonly (string | JsonObject)[]; readonly default: boolean; readonly enabled: boolean; readonly rule_id: string; readonly conditions?: readonly PushCondition[] | undefined; readonly pattern?: string | undefined }
export type PushRuleRequest = { readonly actions: readonly (string | JsonObject)[]; readonly default: boolean; readonly enabled: boolean; readonly rule_id: string; readonly conditions?: readonly PushConditionRequest[]; readonly pattern?: string }
export type PushRuleset = { readonly content?: readonly PushRule[] | undefined; readonly override?: readonly PushRule[] | undefined; readonly postcontent?: readonly PushRule[] | undefined; readonly room?: readonly PushRule[] | undefined; readonly sender?: readonly PushRule[] | undefined; readonly underride?: readonly PushRule[] | undefined }
export type PushRulesetRequest = { readonly content?: readonly PushRuleRequest[]; readonly override?: readonly PushRuleRequest[]; readonly postcontent?: readonly PushRuleRequest[]; readonly room?: readonly PushRuleRequest[]; readonly sender?: readonly PushRuleRequest[]; readonly underride?: readonly PushRuleRequest[] }
export type RequestEmailValidation = { readonly client_secret: string; readonly email: string; readonly send_attempt: number; readonly next_link?: string | undefined; readonly id_server?: string | undefined; readonly id_access_token?: string | undefined }
export type RequestEmailValidationRequest = { readonly client_secret: string; readonly email: string; readonly send_attempt: number; readonly next_link?: string; readonly id_server?: string; readonly id_access_token?: string }
export type RequestMsisdnValidation = { readonly client_secret: string; readonly country: string; readonly phone_number: string; readonly send_attempt: number; readonly next_link?: string | undefined; readonly id_server?: string | undefined; readonly id_access_token?: string | undefined }
export type RequestMsisdnValidationRequest = { readonly client_secret: string; readonly country: string; readonly phone_number: string; readonly send_attempt: number; readonly next_link?: string; readonly id_server?: string; readonly id_access_token?: string }
export type RequestTokenResponse = { readonly sid: string; readonly submit_url?: string | undefined }
export type RequestTokenResponseRequest = { readonly sid: string; readonly submit_url?: string }
export type RoomDeletion = { readonly new_room_user_id?: string | undefined; readonly room_name?: string | undefined; readonly message?: string | undefined; readonly block?: boolean | undefined; readonly purge?: boolean | undefined; readonly force_purge?: boolean | undefined }
export type RoomDeletionRequest = { readonly new_room_user_id?: string; readonly room_name?: string; readonly message?: string; readonly block?: boolean; readonly purge?: boolean; readonly force_purge?: boolean }
export type RoomDeletionStatus = { readonly delete_id: string; readonly room_id: string; readonly status: "scheduled" | "active" | "complete" | "failed"; readonly shutdown_room: RoomShutdown; readonly error?: string | undefined }
export type RoomDeletionStatusRequest = { readonly delete_id: string; readonly room_id: string; readonly status: "scheduled" | "active" | "complete" | "failed"; readonly shutdown_room: RoomShutdownRequest; readonly error?: string }
export type RoomEventFilter = { readonly limit?: number | undefined; readonly not_senders?: readonly string[] | undefined; readonly not_types?: readonly string[] | undefined; readonly senders?: readonly string[] | undefined; readonly types?: readonly string[] | undefined; readonly unread_thread_notifications?: boolean | undefined; readonly lazy_load_members?: boolean | undefined; readonly include_redundant_members?: boolean | undefined; readonly not_rooms?: readonly string[] | undefined; readonly rooms?: readonly string[] | undefined; readonly contains_url?: boolean | undefined }
export type RoomEventFilterRequest = { readonly limit?: number; readonly not_senders?: readonly string[]; readonly not_types?: readonly string[]; readonly senders?: readonly string[]; readonly types?: readonly string[]; readonly unread_thread_notifications?: boolean; readonly lazy_load_members?: boolean; readonly include_redundant_members?: boolean; readonly not_rooms?: readonly string[]; readonly rooms?: readonly string[]; readonly contains_url?: boolean }
export type RoomKeyBackup = { readonly sessions: Readonly<Record<string, KeyBackupData>> }
export type RoomKeyBackupRequest = { readonly sessions: Readonly<Record<string, KeyBackupDataRequest>> }
export type RoomShutdown = { readonly kicked_users: readonly string[]; readonly failed_to_kick_users: readonly string[]; readonly local_aliases: readonly string[]; readonly new_room_id: string | null }
export type RoomShutdownRequest = { readonly kicked_users: readonly string[]; readonly failed_to_kick_users: readonly string[]; readonly local_aliases: readonly string[]; readonly new_room_id: string | null }
export type SignedThirdPartyInvite = { readonly mxid: string; readonly signatures: Readonly<Record<string, Readonly<Record<string, string>>>>; readonly token: string }
export type SignedThirdPartyInviteRequest = { readonly mxid: string; readonly signatures: Readonly<Record<string, Readonly<Record<string, string>>>>; readonly token: string }
export type SinglePduTransaction = { readonly pdus: readonly JsonObject[]; readonly origin: string; readonly origin_server_ts: number }
export type SinglePduTransactionRequest = { readonly pdus: readonly JsonObject[]; readonly origin: string; readonly origin_server_ts: number }
export type SlidingRoom = { readonly initial?: boolean | undefined; readonly membership?: string | undefined; readonly lists?: readonly string[] | undefined; readonly name?: string | null | undefined; readonly avatar?: string | null | undefined; readonly heroes?: readonly { readonly user_id: string; readonly displayname?: string | undefined; readonly avatar_url?: string | undefined }[] | undefined; readonly is_dm?: boolean | undefined; readonly required_state?: readonly (ClientEventWithoutRoomId | { readonly type: string; readonly state_key: string })[] | undefined; readonly timeline?: readonly ClientEventWithoutRoomId[] | undefined; readonly invite_state?: readonly StrippedState[] | undefined; readonly stripped_state?: readonly StrippedState[] | undefined; readonly prev_batch?: string | undefined; readonly limited?: boolean | undefined; readonly expanded_timeline?: boolean | undefined; readonly unstable_expanded_timeline?: boolean | undefined; readonly num_live?: number | undefined; readonly joined_count?: number | undefined; readonly invited_count?: number | undefined; readonly notification_count?: number | undefined; readonly highlight_count?: number | undefined; readonly bump_stamp?: number | undefined }
export type SlidingRoomRequest = { readonly initial?: boolean; readonly membership?: string; readonly lists?: readonly string[]; readonly name?: string | null; readonly avatar?: string | null; readonly heroes?: readonly { readonly user_id: string; readonly displayname?: string; readonly avatar_url?: string }[]; readonly is_dm?: boolean; readonly required_state?: readonly (ClientEventWithoutRoomIdRequest | { readonly type: string; readonly state_key: string })[]; readonly timeline?: readonly ClientEventWithoutRoomIdRequest[]; readonly invite_state?: readonly StrippedStateRequest[]; readonly stripped_state?: readonly StrippedStateRequest[]; readonly prev_batch?: string; readonly limited?: boolean; readonly expanded_timeline?: boolean; readonly unstable_expanded_timeline?: boolean; readonly num_live?: number; readonly joined_count?: number; readonly invited_count?: number; readonly notification_count?: number; readonly highlight_count?: number; readonly bump_stamp?: number }
export type StateEvent = { readonly content: JsonObject; readonly type: string; readonly event_id: string; readonly sender: string; readonly origin_server_ts: number; readonly unsigned?: UnsignedData | undefined; readonly room_id: string; readonly state_key: string }
export type StateEventRequest = { readonly content: JsonObject; readonly type: string; readonly event_id: string; readonly sender: string; readonly origin_server_ts: number; readonly unsigned?: UnsignedDataRequest; readonly room_id: string; readonly state_key: string }
export type StateEventBatch = { readonly events?: readonly ClientEventWithoutRoomId[] | undefined }
export type StateEventBatchRequest = { readonly events?: readonly ClientEventWithoutRoomIdRequest[] }
export type StrippedState = { readonly content: JsonObject; readonly state_key: string; readonly type: string; readonly sender: string }
export type StrippedStateRequest = { readonly content: JsonObject; readonly state_key: string; readonly type: string; readonly sender: string }
export type Tag = { readonly order?: number | undefined }
export type TagRequest = { readonly order?: number }
export type TesseraInvitation = { readonly room_id: string; readonly room: TesseraRoomRecord; readonly inviter: TesseraPerson; readonly invited: { readonly user_id?: string | undefined; readonly displayname?: string | undefined; readonly avatar_url?: string | undefined; readonly address?: string | undefined }; readonly status: "scheduled" | "invited" | "accepted" | "declined" | "cancelled" | "expired"; readonly created_ts: number; readonly updated_ts: number; readonly reason?: string | undefined; readonly expires_ts?: number | undefined; readonly deliver_ts?: number | undefined; readonly event?: TesseraInvitationEvent | undefined; readonly answer?: string | undefined; readonly failure?: { readonly errcode: string; readonly error: string } | undefined }
export type TesseraInvitationRequest = { readonly room_id: string; readonly room: TesseraRoomRecordRequest; readonly inviter: TesseraPersonRequest; readonly invited: { readonly user_id?: string; readonly displayname?: string; readonly avatar_url?: string; readonly address?: string }; readonly status: "scheduled" | "invited" | "accepted" | "declined" | "cancelled" | "expired"; readonly created_ts: number; readonly updated_ts: number; readonly reason?: string; readonly expires_ts?: number; readonly deliver_ts?: number; readonly event?: TesseraInvitationEventRequest; readonly answer?: string; readonly failure?: { readonly errcode: string; readonly error: string } }
export type TesseraInvitationEvent = { readonly start: number; readonly end?: number | undefined; readonly summary?: string | undefined }
export type TesseraInvitationEventRequest = { readonly start: number; readonly end?: number; readonly summary?: string }
export type TesseraInvitationTerms = { readonly expires_ts?: number | undefined; readonly ttl_ms?: number | undefined; readonly deliver_ts?: number | undefined; readonly delay_ms?: number | undefined; readonly event?: TesseraInvitationEvent | undefined }
export type TesseraInvitationTermsRequest = { readonly expires_ts?: number; readonly ttl_ms?: number; readonly deliver_ts?: number; readonly delay_ms?: number; readonly event?: TesseraInvitationEventRequest }
export type TesseraNotification = { readonly id: string; readonly kind: "invitation" | "invitation_declined" | "invitation_accepted" | "invitation_expired" | "knock" | "message" | "mention" | "conversation_requested" | "call"; readonly created_ts: number; readonly room: { readonly room_id: string; readonly name: string; readonly avatar_url?: string | undefined }; readonly sender: { readonly user_id: string; readonly display_name?: string | undefined; readonly avatar_url?: string | undefined }; readonly event?: JsonObject | undefined; readonly count?: number | undefined; readonly comment?: string | undefined; readonly expires_ts?: number | undefined; readonly invitation_event?: JsonObject | undefined; readonly failure?: JsonObject | undefined; readonly messages_waiting?: number | undefined; readonly actions: readonly string[] }
export type TesseraNotificationRequest = { readonly id: string; readonly kind: "invitation" | "invitation_declined" | "invitation_accepted" | "invitation_expired" | "knock" | "message" | "mention" | "conversation_requested" | "call"; readonly created_ts: number; readonly room: { readonly room_id: string; readonly name: string; readonly avatar_url?: string }; readonly sender: { readonly user_id: string; readonly display_name?: string; readonly avatar_url?: string }; readonly event?: JsonObject; readonly count?: number; readonly comment?: string; readonly expires_ts?: number; readonly invitation_event?: JsonObject; readonly failure?: JsonObject; readonly messages_waiting?: number; readonly actions: readonly string[] }
export type TesseraPerson = { readonly user_id: string; readonly displayname?: string | undefined; readonly avatar_url?: string | undefined }
export type TesseraPersonRequest = { readonly user_id: string; readonly displayname?: string; readonly avatar_url?: string }
export type TesseraRoomRecord = { readonly room_id: string; readonly creator?: string | undefined; readonly created_ts?: number | undefined; readonly is_public?: boolean | undefined; readonly alias?: string | undefined; readonly alt_aliases?: readonly string[] | undefined; readonly name: string; readonly topic: string; readonly avatar_url?: string | undefined; readonly encryption: string; readonly media?: readonly ("text" | "audio" | "video" | "screenshare")[] | undefined; readonly direct_key?: readonly string[] | undefined; readonly room_type?: string | undefined; readonly room_version?: string | undefined; readonly join_rule?: string | undefined; readonly world_readable: boolean; readonly guest_can_join: boolean; readonly joined_members: number; readonly invited_members?: number | undefined; readonly membership?: "invite" | "join" | "knock" | "leave" | "ban" | undefined }
export type TesseraRoomRecordRequest = { readonly room_id: string; readonly creator?: string; readonly created_ts?: number; readonly is_public?: boolean; readonly alias?: string; readonly alt_aliases?: readonly string[]; readonly name: string; readonly topic: string; readonly avatar_url?: string; readonly encryption: string; readonly media?: readonly ("text" | "audio" | "video" | "screenshare")[]; readonly direct_key?: readonly string[]; readonly room_type?: string; readonly room_version?: string; readonly join_rule?: string; readonly world_readable: boolean; readonly guest_can_join: boolean; readonly joined_members: number; readonly invited_members?: number; readonly membership?: "invite" | "join" | "knock" | "leave" | "ban" }
export type ThirdPartyLocation = { readonly alias: string; readonly protocol: string; readonly fields: JsonObject }
export type ThirdPartyLocationRequest = { readonly alias: string; readonly protocol: string; readonly fields: JsonObject }
export type ThirdPartyLocations = readonly ThirdPartyLocation[]
export type ThirdPartyLocationsRequest = readonly ThirdPartyLocationRequest[]
export type ThirdPartyProtocol = { readonly user_fields: readonly string[]; readonly location_fields: readonly string[]; readonly icon: string; readonly field_types: Readonly<Record<string, { readonly regexp: string; readonly placeholder: string }>>; readonly instances: readonly { readonly desc: string; readonly icon?: string | undefined; readonly fields: JsonObject; readonly network_id: string; readonly instance_id?: string | undefined }[] }
export type ThirdPartyProtocolRequest = { readonly user_fields: readonly string[]; readonly location_fields: readonly string[]; readonly icon: string; readonly field_types: Readonly<Record<string, { readonly regexp: string; readonly placeholder: string }>>; readonly instances: readonly { readonly desc: string; readonly icon?: string; readonly fields: JsonObject; readonly network_id: string; readonly instance_id?: string }[] }
export type ThirdPartySigned = { readonly sender: string; readonly mxid: string; readonly token: string; readonly signatures: Readonly<Record<string, Readonly<Record<string, string>>>> }
export type ThirdPartySignedRequest = { readonly sender: string; readonly mxid: string; readonly token: string; readonly signatures: Readonly<Record<string, Readonly<Record<string, string>>>> }
export type ThirdPartyUser = { readonly userid: string; readonly protocol: string; readonly fields: JsonObject }
export type ThirdPartyUserRequest = { readonly userid: string; readonly protocol: string; readonly fields: JsonObject }
export type ThirdPartyUsers = readonly ThirdPartyUser[]
export type ThirdPartyUsersRequest = readonly ThirdPartyUserRequest[]
export type TimelineBatch = { readonly limited?: boolean | undefined; readonly prev_batch?: string | undefined; readonly events: readonly ClientEventWithoutRoomId[] }
export type TimelineBatchRequest = { readonly limited?: boolean; readonly prev_batch?: string; readonly events: readonly ClientEventWithoutRoomIdRequest[] }
export type UnlimitedPduTransaction = { readonly pdus: readonly JsonObject[]; readonly origin: string; readonly origin_server_ts: number }
export type UnlimitedPduTransactionRequest = { readonly pdus: readonly JsonObject[]; readonly origin: string; readonly origin_server_ts: number }
export type UnsignedData = { readonly age?: number | undefined }
export type UnsignedDataRequest = { readonly age?: number }
export type UserIdentifier = { readonly type?: string | undefined }
export type UserIdentifierRequest = { readonly type?: string } & JsonObject
export type UserReport = { readonly id: number; readonly received_ts: number; readonly target_user_id: string; readonly user_id: string; readonly reason: string | null }
export type UserReportRequest = { readonly id: number; readonly received_ts: number; readonly target_user_id: string; readonly user_id: string; readonly reason: string | null }

export interface Operations {
  add3PID: {
    authentication: 'accessToken'
    path: NoMembers
    query: NoMembers
    body: { readonly auth?: AuthDataRequest; readonly client_secret: string; readonly sid: string }
    response: JsonObject
  }
  adminAllowCrossSigningReset: {
    authentication: 'administratorToken'
    path: { readonly userId: string }
    query: NoMembers
    body: undefined
    response: { readonly updatable_without_uia_before_ms: number }
  }
  adminCheckUsernameAvailable: {
    authentication: 'administratorToken'
    path: NoMembers
    query: { readonly username: string }
    body: undefined
    response: { readonly available: boolean }
  }
  adminCountJoinedRooms: {
    authentication: 'administratorToken'
    path: { readonly userId: string }
    query: { readonly from_ts: number }
    body: undefined
    response: { readonly cumulative_joined_room_count: number }
  }
  adminCountSentInvites: {
    authentication: 'administratorToken'
    path: { readonly userId: string }
    query: { readonly from_ts: number }
    body: undefined
    response: { readonly invite_count: number }
  }
  adminCreateDevice: {
    authentication: 'administratorToken'
    path: { readonly userId: string }
    query: NoMembers
    body: { readonly device_id: string }
    response: JsonObject
  }
  adminCreateRegistrationToken: {
    authentication: 'administratorToken'
    path: NoMembers
    query: NoMembers
    body: { readonly token?: string; readonly length?: number; readonly uses_allowed?: number | null; readonly expiry_time?: number | null }
    response: AdministeredToken
  }
  adminDeactivateUser: {
    authentication: 'administratorToken'
    path: { readonly userId: string }
    query: NoMembers
    body: { readonly erase?: boolean }
    response: { readonly id_server_unbind_result: "success" | "no-support" }
  }
  adminDeleteDevice: {
    authentication: 'administratorToken'
    path: { readonly userId: string; readonly deviceId: string }
    query: NoMembers
    body: undefined
    response: JsonObject
  }
  adminDeleteDevices: {
    authentication: 'administratorToken'
    path: { readonly userId: string }
    query: NoMembers
    body: { readonly devices: readonly string[] }
    response: JsonObject
  }
  adminDeleteEventReport: {
    authentication: 'administratorToken'
    path: { readonly reportId: number }
    query: NoMembers
    body: undefined
    response: JsonObject
  }
  adminDeleteMedia: {
    authentication: 'administratorToken'
    path: { readonly serverName: string; readonly mediaId: string }
    query: NoMembers
    body: undefined
    response: DeletedMedia
  }
  adminDeleteOldMedia: {
    authentication: 'administratorToken'
    path: NoMembers
    query: { readonly before_ts: number; readonly size_gt: number; readonly keep_profiles: boolean }
    body: undefined
    response: DeletedMedia
  }
  adminDeleteOldMediaOfServer: {
    authentication: 'administratorToken'
    path: { readonly serverName: string }
    query: { readonly before_ts: number; readonly size_gt: number; readonly keep_profiles: boolean }
    body: undefined
    response: DeletedMedia
  }
  adminDeleteRateLimit: {
    authentication: 'administratorToken'
    path: { readonly userId: string }
    query: NoMembers
    body: undefined
    response: JsonObject
  }
  adminDeleteRegistrationToken: {
    authentication: 'administratorToken'
    path: { readonly token: string }
    query: NoMembers
    body: undefined
    response: JsonObject
  }
  adminDeleteRoom: {
    authentication: 'administratorToken'
    path: { readonly roomId: string }
    query: NoMembers
    body: RoomDeletionRequest
    response: { readonly delete_id: string }
  }
  adminDeleteRoomNow: {
    authentication: 'administratorToken'
    path: { readonly roomId: string }
    query: NoMembers
    body: RoomDeletionRequest
    response: RoomShutdown
  }
  adminDeleteUserMedia: {
    authentication: 'administratorToken'
    path: { readonly userId: string }
    query: { readonly from: number; readonly limit: number; readonly order_by?: "media_id" | "upload_name" | "created_ts" | "last_access_ts" | "media_length" | "media_type" | "quarantined_by" | "safe_from_quarantine"; readonly dir?: "f" | "b" }
    body: undefined
    response: DeletedMedia
  }
  adminDeleteUserReport: {
    authentication: 'administratorToken'
    path: { readonly reportId: number }
    query: NoMembers
    body: undefined
    response: JsonObject
  }
  adminEndShadowBan: {
    authentication: 'administratorToken'
    path: { readonly userId: string }
    query: NoMembers
    body: undefined
    response: JsonObject
  }
  adminFetchEvent: {
    authentication: 'administratorToken'
    path: { readonly eventId: string }
    query: NoMembers
    body: undefined
    response: { readonly event: JsonObject }
  }
  adminFindUserByExternalId: {
    authentication: 'administratorToken'
    path: { readonly provider: string; readonly externalId: string }
    query: NoMembers
    body: undefined
    response: { readonly user_id: string }
  }
  adminFindUserByThreepid: {
    authentication: 'administratorToken'
    path: { readonly medium: string; readonly address: string }
    query: NoMembers
    body: undefined
    response: { readonly user_id: string }
  }
  adminGetAccountData: {
    authentication: 'administratorToken'
    path: { readonly userId: string }
    query: NoMembers
    body: undefined
    response: { readonly account_data: { readonly global: Readonly<Record<string, JsonObject>>; readonly rooms: Readonly<Record<string, Readonly<Record<string, JsonObject>>>> } }
  }
  adminGetAdmin: {
    authentication: 'administratorToken'
    path: { readonly userId: string }
    query: NoMembers
    body: undefined
    response: { readonly admin: boolean }
  }
  adminGetBackgroundUpdates: {
    authentication: 'administratorToken'
    path: NoMembers
    query: NoMembers
    body: undefined
    response: { readonly enabled: boolean; readonly current_updates: JsonObject }
  }
  adminGetBackgroundUpdatesEnabled: {
    authentication: 'administratorToken'
    path: NoMembers
    query: NoMembers
    body: undefined
    response: { readonly enabled: boolean }
  }
  adminGetDestination: {
    authentication: 'administratorToken'
    path: { readonly destination: string }
    query: NoMembers
    body: undefined
    response: FederationDestination
  }
  adminGetDevice: {
    authentication: 'administratorToken'
    path: { readonly userId: string; readonly deviceId: string }
    query: NoMembers
    body: undefined
    response: AdministeredDevice
  }
  adminGetDevices: {
    authentication: 'administratorToken'
    path: { readonly userId: string }
    query: NoMembers
    body: undefined
    response: { readonly devices: readonly AdministeredDevice[]; readonly total: number }
  }
  adminGetEventByTimestamp: {
    authentication: 'administratorToken'
    path: { readonly roomId: string }
    query: { readonly ts: number; readonly dir: "f" | "b" }
    body: undefined
    response: { readonly event_id: string; readonly origin_server_ts: number }
  }
  adminGetEventContext: {
    authentication: 'administratorToken'
    path: { readonly roomId: string; readonly eventId: string }
    query: { readonly limit?: number; readonly filter?: string }
    body: undefined
    response: { readonly start: string; readonly end: string; readonly events_before: readonly ClientEvent[]; readonly event: ClientEvent; readonly events_after: readonly ClientEvent[]; readonly state: readonly ClientEvent[] }
  }
  adminGetEventReport: {
    authentication: 'administratorToken'
    path: { readonly reportId: number }
    query: NoMembers
    body: undefined
    response: JsonValue
  }
  adminGetExperimentalFeatures: {
    authentication: 'administratorToken'
    path: { readonly userId: string }
    query: NoMembers
    body: undefined
    response: { readonly features: Readonly<Record<string, boolean>> }
  }
  adminGetHistoryPurge: {
    authentication: 'administratorToken'
    path: { readonly purgeId: string }
    query: NoMembers
    body: undefined
    response: { readonly status: "active" | "complete" | "failed"; readonly error?: string | undefined }
  }
  adminGetJoinedRooms: {
    authentication: 'administratorToken'
    path: { readonly userId: string }
    query: NoMembers
    body: undefined
    response: { readonly joined_rooms: readonly string[]; readonly total: number }
  }
  adminGetMedia: {
    authentication: 'administratorToken'
    path: { readonly serverName: string; readonly mediaId: string }
    query: NoMembers
    body: undefined
    response: { readonly media_info: { readonly media_origin: string | null; readonly user_id: string | null; readonly media_id: string; readonly media_type: string; readonly media_length: number; readonly upload_name: string | null; readonly created_ts: number; readonly filesystem_id?: null | undefined; readonly url_cache?: null | undefined; readonly last_access_ts?: number | undefined; readonly quarantined_by: string | null; readonly authenticated?: boolean | undefined; readonly safe_from_quarantine?: boolean | null | undefined; readonly sha256: string | null } }
  }
  adminGetMemberships: {
    authentication: 'administratorToken'
    path: { readonly userId: string }
    query: NoMembers
    body: undefined
    response: { readonly memberships: Readonly<Record<string, ("join" | "invite" | "knock" | "leave" | "ban")>> }
  }
  adminGetPushers: {
    authentication: 'administratorToken'
    path: { readonly userId: string }
    query: NoMembers
    body: undefined
    response: { readonly pushers: readonly { readonly app_display_name: string; readonly app_id: string; readonly data: JsonObject; readonly device_display_name: string; readonly kind: string; readonly lang: string; readonly profile_tag: string; readonly pushkey: string; readonly enabled: boolean; readonly device_id: string | null }[]; readonly total: number }
  }
  adminGetRateLimit: {
    authentication: 'administratorToken'
    path: { readonly userId: string }
    query: NoMembers
    body: undefined
    response: { readonly messages_per_second?: number | undefined; readonly burst_count?: number | undefined }
  }
  adminGetRegistrationToken: {
    authentication: 'administratorToken'
    path: { readonly token: string }
    query: NoMembers
    body: undefined
    response: AdministeredToken
  }
  adminGetRoom: {
    authentication: 'administratorToken'
    path: { readonly roomId: string }
    query: NoMembers
    body: undefined
    response: JsonValue
  }
  adminGetRoomBlock: {
    authentication: 'administratorToken'
    path: { readonly roomId: string }
    query: NoMembers
    body: undefined
    response: { readonly block: boolean; readonly user_id?: string | undefined }
  }
  adminGetRoomDeletion: {
    authentication: 'administratorToken'
    path: { readonly deleteId: string }
    query: NoMembers
    body: undefined
    response: RoomDeletionStatus
  }
  adminGetRoomMessages: {
    authentication: 'administratorToken'
    path: { readonly roomId: string }
    query: { readonly from?: string; readonly to?: string; readonly dir: "f" | "b"; readonly limit?: number; readonly filter?: string }
    body: undefined
    response: { readonly start: string; readonly end?: string | undefined; readonly chunk: readonly ClientEvent[]; readonly state?: readonly ClientEvent[] | undefined }
  }
  adminGetRoomState: {
    authentication: 'administratorToken'
    path: { readonly roomId: string }
    query: { readonly type?: string }
    body: undefined
    response: { readonly state: readonly StateEvent[] }
  }
  adminGetServerVersion: {
    authentication: 'none'
    path: NoMembers
    query: NoMembers
    body: undefined
    response: { readonly server_version: string }
  }
  adminGetSpaceHierarchy: {
    authentication: 'administratorToken'
    path: { readonly roomId: string }
    query: { readonly limit?: number; readonly max_depth?: number; readonly from?: string }
    body: undefined
    response: { readonly rooms: readonly JsonObject[]; readonly next_batch?: string | undefined }
  }
  adminGetUser: {
    authentication: 'administratorToken'
    path: { readonly userId: string }
    query: NoMembers
    body: undefined
    response: AdministeredUser
  }
  adminGetUserRedaction: {
    authentication: 'administratorToken'
    path: { readonly redactId: string }
    query: NoMembers
    body: undefined
    response: { readonly status: "scheduled" | "active" | "complete" | "failed"; readonly failed_redactions?: Readonly<Record<string, string>> | undefined; readonly error?: string | undefined }
  }
  adminGetUserReport: {
    authentication: 'administratorToken'
    path: { readonly reportId: number }
    query: NoMembers
    body: undefined
    response: UserReport
  }
  adminJoinRoom: {
    authentication: 'administratorToken'
    path: { readonly roomIdOrAlias: string }
    query: { readonly server_name?: readonly string[] }
    body: { readonly user_id: string }
    response: { readonly room_id: string }
  }
  adminListDestinationRooms: {
    authentication: 'administratorToken'
    path: { readonly destination: string }
    query: { readonly from: number; readonly limit: number; readonly dir: "f" | "b" }
    body: undefined
    response: { readonly rooms: readonly { readonly room_id: string; readonly stream_ordering: number }[]; readonly total: number; readonly next_token?: string | undefined }
  }
  adminListDestinations: {
    authentication: 'administratorToken'
    path: NoMembers
    query: { readonly from: number; readonly limit: number; readonly destination?: string; readonly order_by: "destination" | "retry_last_ts" | "retry_interval" | "failure_ts" | "last_successful_stream_ordering"; readonly dir: "f" | "b" }
    body: undefined
    response: { readonly destinations: readonly FederationDestination[]; readonly total: number; readonly next_token?: string | undefined }
  }
  adminListEventReports: {
    authentication: 'administratorToken'
    path: NoMembers
    query: { readonly from: number; readonly limit: number; readonly dir: "f" | "b"; readonly user_id?: string; readonly room_id?: string; readonly event_sender_user_id?: string }
    body: undefined
    response: { readonly event_reports: readonly EventReport[]; readonly total: number; readonly next_token?: number | undefined }
  }
  adminListLargestRooms: {
    authentication: 'administratorToken'
    path: NoMembers
    query: NoMembers
    body: undefined
    response: { readonly rooms: readonly { readonly room_id: string; readonly estimated_size: number }[] }
  }
  adminListRegistrationTokens: {
    authentication: 'administratorToken'
    path: NoMembers
    query: { readonly valid?: boolean }
    body: undefined
    response: { readonly registration_tokens: readonly AdministeredToken[] }
  }
  adminListRoomDeletions: {
    authentication: 'administratorToken'
    path: { readonly roomId: string }
    query: NoMembers
    body: undefined
    response: { readonly results: readonly RoomDeletionStatus[] }
  }
  adminListRoomEnds: {
    authentication: 'administratorToken'
    path: { readonly roomIdOrAlias: string }
    query: NoMembers
    body: undefined
    response: { readonly count: number; readonly results: readonly { readonly event_id: string; readonly state_group: null; readonly depth: number; readonly received_ts: number }[] }
  }
  adminListRoomMedia: {
    authentication: 'administratorToken'
    path: { readonly roomId: string }
    query: NoMembers
    body: undefined
    response: { readonly local: readonly string[]; readonly remote: readonly string[] }
  }
  adminListRoomMembers: {
    authentication: 'administratorToken'
    path: { readonly roomId: string }
    query: NoMembers
    body: undefined
    response: { readonly members: readonly string[]; readonly total: number }
  }
  adminListRooms: {
    authentication: 'administratorToken'
    path: NoMembers
    query: { readonly from: number; readonly limit: number; readonly order_by: "alphabetical" | "size" | "name" | "canonical_alias" | "joined_members" | "joined_local_members" | "version" | "creator" | "encryption" | "federatable" | "public" | "join_rules" | "guest_access" | "history_visibility" | "state_events"; readonly dir: "f" | "b"; readonly search_term?: string; readonly public_rooms?: boolean; readonly empty_rooms?: boolean }
    body: undefined
    response: { readonly offset: number; readonly rooms: readonly AdministeredRoom[]; readonly total_rooms: number; readonly next_batch?: number | undefined; readonly prev_batch?: number | undefined }
  }
  adminListTasks: {
    authentication: 'administratorToken'
    path: NoMembers
    query: { readonly action_name?: readonly string[]; readonly resource_id?: string; readonly status?: readonly ("scheduled" | "active" | "complete" | "failed" | "cancelled")[]; readonly job_status?: readonly ("scheduled" | "active" | "complete" | "failed" | "cancelled")[]; readonly max_timestamp?: number }
    body: undefined
    response: { readonly scheduled_tasks: readonly { readonly id: string; readonly action: string; readonly status: string; readonly timestamp_ms: number; readonly resource_id: string; readonly result: JsonObject | null; readonly error: string | null }[] }
  }
  adminListUserMedia: {
    authentication: 'administratorToken'
    path: { readonly userId: string }
    query: { readonly from: number; readonly limit: number; readonly order_by?: "media_id" | "upload_name" | "created_ts" | "last_access_ts" | "media_length" | "media_type" | "quarantined_by" | "safe_from_quarantine"; readonly dir?: "f" | "b" }
    body: undefined
    response: { readonly media: readonly { readonly media_id: string; readonly media_type: string; readonly media_length: number; readonly upload_name: string | null; readonly created_ts: number; readonly url_cache?: null | undefined; readonly last_access_ts: number; readonly quarantined_by: string | null; readonly safe_from_quarantine: boolean; readonly user_id?: string | undefined; readonly authenticated?: boolean | undefined; readonly sha256?: string | null | undefined }[]; readonly next_token?: number | undefined; readonly total: number }
  }
  adminListUserReports: {
    authentication: 'administratorToken'
    path: NoMembers
    query: { readonly from: number; readonly limit: number; readonly dir: "f" | "b"; readonly user_id?: string; readonly target_user_id?: string }
    body: undefined
    response: { readonly user_reports: readonly UserReport[]; readonly total: number; readonly next_token?: number | undefined }
  }
  adminListUsers: {
    authentication: 'administratorToken'
    path: NoMembers
    query: { readonly from: number; readonly limit: number; readonly user_id?: string; readonly name?: string; readonly guests: boolean; readonly admins?: boolean; readonly deactivated?: boolean; readonly locked: boolean; readonly suspended: boolean; readonly not_user_type?: readonly string[]; readonly order_by: "name" | "displayname" | "avatar_url" | "user_type" | "is_guest" | "admin" | "locked" | "deactivated" | "creation_ts" | "last_seen_ts" | "shadow_banned"; readonly dir: "f" | "b" }
    body: undefined
    response: AdministeredUsers
  }
  adminListUsersMedia: {
    authentication: 'administratorToken'
    path: NoMembers
    query: { readonly from: number; readonly limit: number; readonly order_by: "media_length" | "media_count" | "user_id" | "displayname"; readonly dir: "f" | "b"; readonly from_ts: number; readonly until_ts?: number; readonly search_term?: string }
    body: undefined
    response: { readonly users: readonly { readonly user_id: string; readonly displayname: string | null; readonly media_count: number; readonly media_length: number }[]; readonly total: number; readonly next_token?: number | undefined }
  }
  adminListUsersV2: {
    authentication: 'administratorToken'
    path: NoMembers
    query: { readonly from: number; readonly limit: number; readonly user_id?: string; readonly name?: string; readonly guests: boolean; readonly admins?: boolean; readonly deactivated?: boolean; readonly locked: boolean; readonly suspended: boolean; readonly not_user_type?: readonly string[]; readonly order_by: "name" | "displayname" | "avatar_url" | "user_type" | "is_guest" | "admin" | "locked" | "deactivated" | "creation_ts" | "last_seen_ts" | "shadow_banned"; readonly dir: "f" | "b" }
    body: undefined
    response: AdministeredUsers
  }
  adminLoginAsUser: {
    authentication: 'administratorToken'
    path: { readonly userId: string }
    query: NoMembers
    body: { readonly valid_until_ms?: number | null }
    response: { readonly access_token: string }
  }
  adminMakeRoomAdmin: {
    authentication: 'administratorToken'
    path: { readonly roomIdOrAlias: string }
    query: NoMembers
    body: { readonly user_id?: string }
    response: JsonObject
  }
  adminProtectMedia: {
    authentication: 'administratorToken'
    path: { readonly mediaId: string }
    query: NoMembers
    body: undefined
    response: JsonObject
  }
  adminPurgeHistory: {
    authentication: 'administratorToken'
    path: { readonly roomId: string; readonly eventId: string }
    query: NoMembers
    body: { readonly delete_local_events?: boolean; readonly purge_up_to_event_id?: string; readonly purge_up_to_ts?: number }
    response: { readonly purge_id: string }
  }
  adminPurgeMediaCache: {
    authentication: 'administratorToken'
    path: NoMembers
    query: { readonly before_ts: number }
    body: undefined
    response: { readonly deleted: number }
  }
  adminPutUser: {
    authentication: 'administratorToken'
    path: { readonly userId: string }
    query: NoMembers
    body: { readonly password?: string | null; readonly logout_devices?: boolean; readonly displayname?: string | null; readonly avatar_url?: string | null; readonly threepids?: readonly { readonly medium: string; readonly address: string }[]; readonly external_ids?: readonly { readonly auth_provider: string; readonly external_id: string }[]; readonly admin?: boolean; readonly deactivated?: boolean; readonly locked?: boolean; readonly user_type?: string | null }
    response: AdministeredUser
  }
  adminQuarantineMedia: {
    authentication: 'administratorToken'
    path: { readonly serverName: string; readonly mediaId: string }
    query: NoMembers
    body: undefined
    response: JsonObject
  }
  adminQuarantineRoomMedia: {
    authentication: 'administratorToken'
    path: { readonly roomId: string }
    query: NoMembers
    body: undefined
    response: { readonly num_quarantined: number }
  }
  adminQuarantineUserMedia: {
    authentication: 'administratorToken'
    path: { readonly userId: string }
    query: NoMembers
    body: undefined
    response: { readonly num_quarantined: number }
  }
  adminRedactUser: {
    authentication: 'administratorToken'
    path: { readonly userId: string }
    query: NoMembers
    body: { readonly rooms: readonly string[]; readonly reason?: string | null; readonly limit?: number | null; readonly use_admin?: boolean | null; readonly before_ts?: number | null; readonly after_ts?: number | null }
    response: { readonly redact_id: string }
  }
  adminResetDestination: {
    authentication: 'administratorToken'
    path: { readonly destination: string }
    query: NoMembers
    body: undefined
    response: JsonObject
  }
  adminResetPassword: {
    authentication: 'administratorToken'
    path: { readonly userId: string }
    query: NoMembers
    body: { readonly new_password: string; readonly logout_devices?: boolean }
    response: JsonObject
  }
  adminSendServerNotice: {
    authentication: 'administratorToken'
    path: NoMembers
    query: NoMembers
    body: { readonly user_id: string; readonly type?: string; readonly state_key?: string; readonly content: JsonObject }
    response: { readonly event_id: string }
  }
  adminSendServerNoticeOnce: {
    authentication: 'administratorToken'
    path: { readonly txnId: string }
    query: NoMembers
    body: { readonly user_id: string; readonly type?: string; readonly state_key?: string; readonly content: JsonObject }
    response: { readonly event_id: string }
  }
  adminSetAdmin: {
    authentication: 'administratorToken'
    path: { readonly userId: string }
    query: NoMembers
    body: { readonly admin: boolean }
    response: JsonObject
  }
  adminSetExperimentalFeatures: {
    authentication: 'administratorToken'
    path: { readonly userId: string }
    query: NoMembers
    body: { readonly features: Readonly<Record<string, boolean>> }
    response: JsonObject
  }
  adminSetRateLimit: {
    authentication: 'administratorToken'
    path: { readonly userId: string }
    query: NoMembers
    body: { readonly messages_per_second?: number; readonly burst_count?: number }
    response: { readonly messages_per_second: number; readonly burst_count: number }
  }
  adminSetRoomBlock: {
    authentication: 'administratorToken'
    path: { readonly roomId: string }
    query: NoMembers
    body: { readonly block: boolean }
    response: { readonly block: boolean }
  }
  adminShadowBanUser: {
    authentication: 'administratorToken'
    path: { readonly userId: string }
    query: NoMembers
    body: undefined
    response: JsonObject
  }
  adminSuspendUser: {
    authentication: 'administratorToken'
    path: { readonly userId: string }
    query: NoMembers
    body: { readonly suspend: boolean }
    response: Readonly<Record<string, boolean>>
  }
  adminTieRoomEnds: {
    authentication: 'administratorToken'
    path: { readonly roomIdOrAlias: string }
    query: NoMembers
    body: undefined
    response: { readonly deleted: number }
  }
  adminUnprotectMedia: {
    authentication: 'administratorToken'
    path: { readonly mediaId: string }
    query: NoMembers
    body: undefined
    response: JsonObject
  }
  adminUnquarantineMedia: {
    authentication: 'administratorToken'
    path: { readonly serverName: string; readonly mediaId: string }
    query: NoMembers
    body: undefined
    response: JsonObject
  }
  adminUpdateDevice: {
    authentication: 'administratorToken'
    path: { readonly userId: string; readonly deviceId: string }
    query: NoMembers
    body: { readonly display_name?: string }
    response: JsonObject
  }
  adminUpdateRegistrationToken: {
    authentication: 'administratorToken'
    path: { readonly token: string }
    query: NoMembers
    body: { readonly uses_allowed?: number | null; readonly expiry_time?: number | null }
    response: AdministeredToken
  }
  backfillRoom: {
    authentication: 'signedRequest'
    path: { readonly roomId: string }
    query: { readonly v: readonly string[]; readonly limit: number }
    body: undefined
    response: UnlimitedPduTransaction
  }
  ban: {
    authentication: 'accessToken'
    path: { readonly roomId: string }
    query: NoMembers
    body: { readonly user_id: string; readonly reason?: string; readonly "org.matrix.msc4293.redact_events"?: boolean }
    response: JsonObject
  }
  bind3PID: {
    authentication: 'accessToken'
    path: NoMembers
    query: NoMembers
    body: { readonly client_secret: string; readonly id_server: string; readonly id_access_token: string; readonly sid: string }
    response: JsonObject
  }
  bulkPerspectivesKeyQuery: {
    authentication: 'none'
    path: NoMembers
    query: NoMembers
    body: { readonly server_keys: Readonly<Record<string, Readonly<Record<string, { readonly minimum_valid_until_ts?: number }>>>> }
    response: KeysQueryResponse
  }
  cancelDelayedEvent: {
    authentication: 'accessToken'
    path: { readonly delayId: string }
    query: NoMembers
    body: undefined
    response: JsonObject
  }
  cancelInvitation: {
    authentication: 'accessToken'
    path: { readonly roomId: string; readonly userId: string }
    query: NoMembers
    body: undefined
    response: JsonObject
  }
  cancelRendezvous: {
    authentication: 'none'
    path: { readonly rendezvousId: string }
    query: NoMembers
    body: undefined
    response: JsonObject
  }
  cancelTextRendezvous: {
    authentication: 'none'
    path: { readonly rendezvousId: string }
    query: NoMembers
    body: undefined
    response: never
  }
  changePassword: {
    authentication: 'optionalAccessToken'
    path: NoMembers
    query: NoMembers
    body: { readonly new_password: string; readonly logout_devices?: boolean; readonly auth?: AuthDataRequest }
    response: JsonObject
  }
  checkUsernameAvailability: {
    authentication: 'none'
    path: NoMembers
    query: { readonly username: string }
    body: undefined
    response: { readonly available?: boolean | undefined }
  }
  claimKeys: {
    authentication: 'accessToken'
    path: NoMembers
    query: NoMembers
    body: { readonly timeout?: number; readonly one_time_keys: Readonly<Record<string, Readonly<Record<string, string>>>> }
    response: { readonly failures?: Readonly<Record<string, JsonObject>> | undefined; readonly one_time_keys: Readonly<Record<string, Readonly<Record<string, OneTimeKeys>>>> }
  }
  claimUserEncryptionKeys: {
    authentication: 'signedRequest'
    path: NoMembers
    query: NoMembers
    body: { readonly one_time_keys: Readonly<Record<string, Readonly<Record<string, string>>>> }
    response: { readonly one_time_keys: Readonly<Record<string, (Readonly<Record<string, (Readonly<Record<string, (string | { readonly key: string; readonly signatures: Readonly<Record<string, Readonly<Record<string, string>>>> })>>)>>)>> }
  }
  closeNotification: {
    authentication: 'accessToken'
    path: { readonly notificationId: string }
    query: NoMembers
    body: undefined
    response: JsonObject
  }
  createContent: {
    authentication: 'accessToken'
    path: NoMembers
    query: NoMembers
    body: undefined
    response: { readonly content_uri: string; readonly unused_expires_at?: number | undefined }
  }
  createRendezvous: {
    authentication: 'optionalAccessToken'
    path: NoMembers
    query: NoMembers
    body: { readonly data: string }
    response: { readonly id: string; readonly sequence_token: string; readonly expires_in_ms: number }
  }
  createRoom: {
    authentication: 'accessToken'
    path: NoMembers
    query: NoMembers
    body: { readonly visibility?: "public" | "private"; readonly room_alias_name?: string; readonly name?: string; readonly "chat.tessera.avatar_url"?: string; readonly "chat.tessera.encryption"?: string; readonly "chat.tessera.media"?: readonly string[]; readonly "chat.tessera.invitation"?: TesseraInvitationTermsRequest; readonly reason?: string; readonly topic?: string; readonly invite?: readonly string[]; readonly invite_3pid?: readonly Invite3pidRequest[]; readonly room_version?: string; readonly creation_content?: JsonObject; readonly initial_state?: readonly { readonly type: string; readonly state_key?: string; readonly content: JsonObject }[]; readonly preset?: "private_chat" | "public_chat" | "trusted_private_chat"; readonly is_direct?: boolean; readonly power_level_content_override?: JsonObject }
    response: { readonly room_id: string }
  }
  createTextRendezvous: {
    authentication: 'none'
    path: NoMembers
    query: NoMembers
    body: AsyncIterable<Uint8Array>
    response: { readonly url: string }
  }
  deactivateAccount: {
    authentication: 'optionalAccessToken'
    path: NoMembers
    query: NoMembers
    body: { readonly auth?: AuthDataRequest; readonly id_server?: string; readonly erase?: boolean }
    response: { readonly id_server_unbind_result: "success" | "no-support" }
  }
  defineFilter: {
    authentication: 'accessToken'
    path: { readonly userId: string }
    query: NoMembers
    body: FilterRequest
    response: { readonly filter_id: string }
  }
  delete3pidFromAccount: {
    authentication: 'accessToken'
    path: NoMembers
    query: NoMembers
    body: { readonly id_server?: string; readonly medium: "email" | "msisdn"; readonly address: string }
    response: { readonly id_server_unbind_result: "no-support" | "success" }
  }
  deleteAccountData: {
    authentication: 'accessToken'
    path: { readonly userId: string; readonly type: string }
    query: NoMembers
    body: undefined
    response: JsonObject
  }
  deleteAccountDataPerRoom: {
    authentication: 'accessToken'
    path: { readonly userId: string; readonly roomId: string; readonly type: string }
    query: NoMembers
    body: undefined
    response: JsonObject
  }
  deleteDehydratedDevice: {
    authentication: 'accessToken'
    path: NoMembers
    query: NoMembers
    body: undefined
    response: { readonly device_id: string }
  }
  deleteDevice: {
    authentication: 'accessToken'
    path: { readonly deviceId: string }
    query: NoMembers
    body: { readonly auth?: AuthDataRequest }
    response: JsonObject
  }
  deleteDevices: {
    authentication: 'accessToken'
    path: NoMembers
    query: NoMembers
    body: { readonly devices: readonly string[]; readonly auth?: AuthDataRequest }
    response: JsonObject
  }
  deleteProfileField: {
    authentication: 'accessToken'
    path: { readonly userId: string; readonly keyName: string }
    query: NoMembers
    body: undefined
    response: JsonObject
  }
  deletePushRule: {
    authentication: 'accessToken'
    path: { readonly kind: "override" | "underride" | "sender" | "room" | "content" | "postcontent"; readonly ruleId: string }
    query: NoMembers
    body: undefined
    response: JsonObject
  }
  deleteRoomAlias: {
    authentication: 'accessToken'
    path: { readonly roomAlias: string }
    query: NoMembers
    body: undefined
    response: JsonObject
  }
  deleteRoomKeyBySessionId: {
    authentication: 'accessToken'
    path: { readonly roomId: string; readonly sessionId: string }
    query: { readonly version: string }
    body: undefined
    response: { readonly etag: string; readonly count: number }
  }
  deleteRoomKeys: {
    authentication: 'accessToken'
    path: NoMembers
    query: { readonly version: string }
    body: undefined
    response: { readonly etag: string; readonly count: number }
  }
  deleteRoomKeysByRoomId: {
    authentication: 'accessToken'
    path: { readonly roomId: string }
    query: { readonly version: string }
    body: undefined
    response: { readonly etag: string; readonly count: number }
  }
  deleteRoomKeysVersion: {
    authentication: 'accessToken'
    path: { readonly version: string }
    query: NoMembers
    body: undefined
    response: JsonObject
  }
  deleteRoomTag: {
    authentication: 'accessToken'
    path: { readonly userId: string; readonly roomId: string; readonly tag: string }
    query: NoMembers
    body: undefined
    response: JsonObject
  }
  deleteThreadSubscription: {
    authentication: 'accessToken'
    path: { readonly roomId: string; readonly eventId: string }
    query: NoMembers
    body: undefined
    response: JsonObject
  }
  dismissNotifications: {
    authentication: 'accessToken'
    path: NoMembers
    query: NoMembers
    body: { readonly ids?: readonly string[]; readonly room_id?: string; readonly kind?: string }
    response: { readonly dismissed: number }
  }
  exchangeOpenIdToken: {
    authentication: 'none'
    path: NoMembers
    query: { readonly access_token: string }
    body: undefined
    response: { readonly sub: string }
  }
  exchangeThirdPartyInvite: {
    authentication: 'signedRequest'
    path: { readonly roomId: string }
    query: NoMembers
    body: { readonly type: string; readonly room_id: string; readonly sender: string; readonly state_key: string; readonly content: { readonly membership: string; readonly third_party_invite: { readonly display_name: string; readonly signed: SignedThirdPartyInviteRequest } } }
    response: JsonObject
  }
  extendDirectRoom: {
    authentication: 'accessToken'
    path: { readonly roomId: string }
    query: NoMembers
    body: { readonly invite: readonly string[]; readonly history?: number }
    response: { readonly room_id: string; readonly history: { readonly mode: "quoted" | "key_bundle" | "none"; readonly messages: number }; readonly not_invited: readonly string[] }
  }
  federationGetContent: {
    authentication: 'signedRequest'
    path: { readonly mediaId: string }
    query: { readonly timeout_ms: number }
    body: undefined
    response: never
  }
  federationGetContentThumbnail: {
    authentication: 'signedRequest'
    path: { readonly mediaId: string }
    query: { readonly width: number; readonly height: number; readonly method?: "crop" | "scale"; readonly timeout_ms: number; readonly animated?: boolean }
    body: undefined
    response: never
  }
  federationGetEventByTimestamp: {
    authentication: 'signedRequest'
    path: { readonly roomId: string }
    query: { readonly ts: number; readonly dir: "f" | "b" }
    body: undefined
    response: { readonly event_id: string; readonly origin_server_ts: number }
  }
  federationGetPublicRooms: {
    authentication: 'signedRequest'
    path: NoMembers
    query: { readonly limit?: number; readonly since?: string; readonly include_all_networks?: boolean; readonly third_party_instance_id?: string }
    body: undefined
    response: PublicRoomsResponse
  }
  federationGetRoomState: {
    authentication: 'signedRequest'
    path: { readonly roomId: string }
    query: { readonly event_id: string }
    body: undefined
    response: { readonly auth_chain: readonly JsonObject[]; readonly pdus: readonly JsonObject[] }
  }
  federationGetSpaceHierarchy: {
    authentication: 'signedRequest'
    path: { readonly roomId: string }
    query: { readonly suggested_only?: boolean }
    body: undefined
    response: { readonly room: { readonly canonical_alias?: string | undefined; readonly name?: string | undefined; readonly num_joined_members: number; readonly room_id: string; readonly topic?: string | undefined; readonly world_readable: boolean; readonly guest_can_join: boolean; readonly avatar_url?: string | undefined; readonly join_rule?: string | undefined; readonly room_type?: string | undefined; readonly allowed_room_ids?: readonly string[] | undefined; readonly encryption?: string | undefined; readonly room_version?: string | undefined; readonly children_state: readonly { readonly content: JsonObject; readonly state_key: string; readonly type: string; readonly sender: string; readonly origin_server_ts: number }[] }; readonly children: readonly { readonly canonical_alias?: string | undefined; readonly name?: string | undefined; readonly num_joined_members: number; readonly room_id: string; readonly topic?: string | undefined; readonly world_readable: boolean; readonly guest_can_join: boolean; readonly avatar_url?: string | undefined; readonly join_rule?: string | undefined; readonly room_type?: string | undefined; readonly allowed_room_ids?: readonly string[] | undefined; readonly encryption?: string | undefined; readonly room_version?: string | undefined }[]; readonly inaccessible_children: readonly string[] }
  }
  federationGetWellKnown: {
    authentication: 'none'
    path: NoMembers
    query: NoMembers
    body: undefined
    response: { readonly "m.server"?: string | undefined }
  }
  federationQueryPublicRooms: {
    authentication: 'signedRequest'
    path: NoMembers
    query: NoMembers
    body: { readonly limit?: number; readonly since?: string; readonly filter?: { readonly generic_search_term?: string; readonly room_types?: readonly (string | null)[] }; readonly include_all_networks?: boolean; readonly third_party_instance_id?: string }
    response: PublicRoomsResponse
  }
  forgetRoom: {
    authentication: 'accessToken'
    path: { readonly roomId: string }
    query: NoMembers
    body: undefined
    response: JsonObject
  }
  generateLoginToken: {
    authentication: 'accessToken'
    path: NoMembers
    query: NoMembers
    body: { readonly auth?: AuthDataRequest }
    response: { readonly login_token: string; readonly expires_in_ms: number }
  }
  getAccount3PIDs: {
    authentication: 'accessToken'
    path: NoMembers
    query: NoMembers
    body: undefined
    response: { readonly threepids?: readonly { readonly medium: "email" | "msisdn"; readonly address: string; readonly validated_at: number; readonly added_at: number }[] | undefined }
  }
  getAccountData: {
    authentication: 'accessToken'
    path: { readonly userId: string; readonly type: string }
    query: NoMembers
    body: undefined
    response: JsonObject
  }
  getAccountDataPerRoom: {
    authentication: 'accessToken'
    path: { readonly userId: string; readonly roomId: string; readonly type: string }
    query: NoMembers
    body: undefined
    response: JsonObject
  }
  getAdminLockUser: {
    authentication: 'accessToken'
    path: { readonly userId: string }
    query: NoMembers
    body: undefined
    response: { readonly locked: boolean }
  }
  getAdminSuspendUser: {
    authentication: 'accessToken'
    path: { readonly userId: string }
    query: NoMembers
    body: undefined
    response: { readonly suspended: boolean }
  }
  getAuthMetadata: {
    authentication: 'none'
    path: NoMembers
    query: NoMembers
    body: undefined
    response: { readonly issuer: string; readonly authorization_endpoint: string; readonly token_endpoint: string; readonly revocation_endpoint: string; readonly registration_endpoint: string; readonly response_types_supported: readonly string[]; readonly grant_types_supported: readonly string[]; readonly response_modes_supported: readonly string[]; readonly code_challenge_methods_supported: readonly string[]; readonly prompt_values_supported?: readonly string[] | undefined; readonly account_management_uri?: string | undefined; readonly account_management_actions_supported?: readonly ("org.matrix.profile" | "org.matrix.devices_list" | "org.matrix.device_view" | "org.matrix.device_delete" | "org.matrix.account_deactivate" | "org.matrix.cross_signing_reset")[] | undefined; readonly device_authorization_endpoint?: string | undefined }
  }
  getCapabilities: {
    authentication: 'accessToken'
    path: NoMembers
    query: NoMembers
    body: undefined
    response: { readonly capabilities: { readonly "m.change_password"?: { readonly enabled: boolean } | undefined; readonly "m.forget_forced_upon_leave"?: { readonly enabled: boolean } | undefined; readonly "m.room_versions"?: { readonly default: string; readonly available: Readonly<Record<string, ("stable" | "unstable")>> } | undefined; readonly "m.set_displayname"?: { readonly enabled: boolean } | undefined; readonly "m.set_avatar_url"?: { readonly enabled: boolean } | undefined; readonly "m.3pid_changes"?: { readonly enabled: boolean } | undefined; readonly "m.get_login_token"?: { readonly enabled: boolean } | undefined; readonly "m.profile_fields"?: { readonly allowed?: readonly string[] | undefined; readonly disallowed?: readonly string[] | undefined; readonly enabled: boolean } | undefined; readonly "m.account_moderation"?: { readonly suspend?: boolean | undefined; readonly lock?: boolean | undefined } | undefined } }
  }
  getConfig: {
    authentication: 'accessToken'
    path: NoMembers
    query: NoMembers
    body: undefined
    response: { readonly "m.upload.size"?: number | undefined }
  }
  getConfigAuthed: {
    authentication: 'accessToken'
    path: NoMembers
    query: NoMembers
    body: undefined
    response: { readonly "m.upload.size"?: number | undefined }
  }
  getContent: {
    authentication: 'none'
    path: { readonly serverName: string; readonly mediaId: string }
    query: { readonly allow_remote: boolean; readonly timeout_ms: number; readonly allow_redirect: boolean }
    body: undefined
    response: never
  }
  getContentAuthed: {
    authentication: 'accessToken'
    path: { readonly serverName: string; readonly mediaId: string }
    query: { readonly timeout_ms: number; readonly admin_unsafely_bypass_quarantine?: boolean }
    body: undefined
    response: never
  }
  getContentOverrideName: {
    authentication: 'none'
    path: { readonly serverName: string; readonly mediaId: string; readonly fileName: string }
    query: { readonly allow_remote: boolean; readonly timeout_ms: number; readonly allow_redirect: boolean }
    body: undefined
    response: never
  }
  getContentOverrideNameAuthed: {
    authentication: 'accessToken'
    path: { readonly serverName: string; readonly mediaId: string; readonly fileName: string }
    query: { readonly timeout_ms: number }
    body: undefined
    response: never
  }
  getContentThumbnail: {
    authentication: 'none'
    path: { readonly serverName: string; readonly mediaId: string }
    query: { readonly width: number; readonly height: number; readonly method?: "crop" | "scale"; readonly allow_remote: boolean; readonly timeout_ms: number; readonly allow_redirect: boolean; readonly animated?: boolean }
    body: undefined
    response: never
  }
  getContentThumbnailAuthed: {
    authentication: 'accessToken'
    path: { readonly serverName: string; readonly mediaId: string }
    query: { readonly width: number; readonly height: number; readonly method?: "crop" | "scale"; readonly timeout_ms: number; readonly animated?: boolean }
    body: undefined
    response: never
  }
  getDehydratedDevice: {
    authentication: 'accessToken'
    path: NoMembers
    query: NoMembers
    body: undefined
    response: { readonly device_id: string; readonly device_data: JsonObject }
  }
  getDehydratedDeviceEvents: {
    authentication: 'accessToken'
    path: { readonly deviceId: string }
    query: { readonly from?: string }
    body: undefined
    response: { readonly events: readonly JsonObject[]; readonly next_batch?: string | undefined }
  }
  getDelayedEvent: {
    authentication: 'accessToken'
    path: { readonly delayId: string }
    query: NoMembers
    body: undefined
    response: DelayedEvent
  }
  getDelayedEvents: {
    authentication: 'accessToken'
    path: NoMembers
    query: { readonly status?: "scheduled" | "finalised"; readonly delay_id?: readonly string[]; readonly from?: string }
    body: undefined
    response: { readonly delayed_events: readonly DelayedEvent[]; readonly scheduled?: readonly DelayedEvent[] | undefined; readonly finalised?: readonly { readonly delayed_event: DelayedEvent; readonly outcome: "send" | "cancel"; readonly reason: "error" | "action" | "delay"; readonly error?: JsonObject | undefined; readonly event_id?: string | undefined; readonly origin_server_ts: number }[] | undefined; readonly next_batch?: string | undefined }
  }
  getDevice: {
    authentication: 'accessToken'
    path: { readonly deviceId: string }
    query: NoMembers
    body: undefined
    response: ClientDevice
  }
  getDevices: {
    authentication: 'accessToken'
    path: NoMembers
    query: NoMembers
    body: undefined
    response: { readonly devices?: readonly ClientDevice[] | undefined }
  }
  getEvent: {
    authentication: 'signedRequest'
    path: { readonly eventId: string }
    query: NoMembers
    body: undefined
    response: SinglePduTransaction
  }
  getEventAuth: {
    authentication: 'signedRequest'
    path: { readonly roomId: string; readonly eventId: string }
    query: NoMembers
    body: undefined
    response: { readonly auth_chain: readonly JsonObject[] }
  }
  getEventByTimestamp: {
    authentication: 'accessToken'
    path: { readonly roomId: string }
    query: { readonly ts: number; readonly dir: "f" | "b" }
    body: undefined
    response: { readonly event_id: string; readonly origin_server_ts: number }
  }
  getEventContext: {
    authentication: 'accessToken'
    path: { readonly roomId: string; readonly eventId: string }
    query: { readonly limit?: number; readonly filter?: string }
    body: undefined
    response: { readonly start?: string | undefined; readonly end?: string | undefined; readonly events_before?: readonly ClientEvent[] | undefined; readonly event?: ClientEvent | undefined; readonly events_after?: readonly ClientEvent[] | undefined; readonly state?: readonly ClientEvent[] | undefined }
  }
  getEvents: {
    authentication: 'accessToken'
    path: NoMembers
    query: { readonly from?: string; readonly timeout?: number; readonly room_id?: string }
    body: undefined
    response: { readonly start?: string | undefined; readonly end?: string | undefined; readonly chunk?: readonly JsonObject[] | undefined }
  }
  getFilter: {
    authentication: 'accessToken'
    path: { readonly userId: string; readonly filterId: string }
    query: NoMembers
    body: undefined
    response: Filter
  }
  getInvitation: {
    authentication: 'accessToken'
    path: { readonly roomId: string }
    query: { readonly user_id?: string }
    body: undefined
    response: TesseraInvitation
  }
  getInvitationCalendar: {
    authentication: 'accessToken'
    path: { readonly roomId: string }
    query: { readonly user_id?: string }
    body: undefined
    response: never
  }
  getInvitations: {
    authentication: 'accessToken'
    path: NoMembers
    query: { readonly direction?: "received" | "sent"; readonly room_id?: string; readonly status?: readonly ("scheduled" | "invited" | "accepted" | "declined" | "cancelled" | "expired")[]; readonly limit?: number; readonly from?: string }
    body: undefined
    response: { readonly invitations: readonly TesseraInvitation[]; readonly next_batch?: string | undefined }
  }
  getJoinedMembersByRoom: {
    authentication: 'accessToken'
    path: { readonly roomId: string }
    query: NoMembers
    body: undefined
    response: { readonly joined?: Readonly<Record<string, ({ readonly display_name?: string | undefined; readonly avatar_url?: string | undefined })>> | undefined }
  }
  getJoinedRooms: {
    authentication: 'accessToken'
    path: NoMembers
    query: NoMembers
    body: undefined
    response: { readonly joined_rooms: readonly string[] }
  }
  getKeysChanges: {
    authentication: 'accessToken'
    path: NoMembers
    query: { readonly from: string; readonly to: string }
    body: undefined
    response: { readonly changed?: readonly string[] | undefined; readonly left?: readonly string[] | undefined }
  }
  getLocalAliases: {
    authentication: 'accessToken'
    path: { readonly roomId: string }
    query: NoMembers
    body: undefined
    response: { readonly aliases: readonly string[] }
  }
  getLoginFlows: {
    authentication: 'none'
    path: NoMembers
    query: NoMembers
    body: undefined
    response: { readonly flows?: readonly { readonly type: string; readonly get_login_token?: boolean | undefined; readonly oauth_aware_preferred?: boolean | undefined; readonly identity_providers?: readonly { readonly id: string; readonly name: string; readonly icon?: string | undefined; readonly brand?: string | undefined }[] | undefined }[] | undefined }
  }
  getMembersByRoom: {
    authentication: 'accessToken'
    path: { readonly roomId: string }
    query: { readonly at?: string; readonly membership?: "join" | "invite" | "knock" | "leave" | "ban"; readonly not_membership?: "join" | "invite" | "knock" | "leave" | "ban" }
    body: undefined
    response: { readonly chunk?: readonly ClientEvent[] | undefined }
  }
  getMissingPreviousEvents: {
    authentication: 'signedRequest'
    path: { readonly roomId: string }
    query: NoMembers
    body: { readonly limit?: number; readonly min_depth?: number; readonly earliest_events: readonly string[]; readonly latest_events: readonly string[] }
    response: { readonly events: readonly JsonObject[] }
  }
  getMutualRooms: {
    authentication: 'accessToken'
    path: NoMembers
    query: { readonly user_id: string; readonly from?: string }
    body: undefined
    response: { readonly joined: readonly string[]; readonly count: number; readonly next_batch?: string | undefined }
  }
  getNotifications: {
    authentication: 'accessToken'
    path: NoMembers
    query: { readonly from?: string; readonly limit?: number; readonly only?: string }
    body: undefined
    response: { readonly next_token?: string | undefined; readonly notifications: readonly { readonly actions: readonly (JsonObject | string)[]; readonly event: ClientEventWithoutRoomId; readonly profile_tag?: string | undefined; readonly read: boolean; readonly room_id: string; readonly ts: number }[] }
  }
  getOneEvent: {
    authentication: 'accessToken'
    path: { readonly eventId: string }
    query: NoMembers
    body: undefined
    response: ClientEvent
  }
  getOneRoomEvent: {
    authentication: 'accessToken'
    path: { readonly roomId: string; readonly eventId: string }
    query: NoMembers
    body: undefined
    response: ClientEvent
  }
  getPresence: {
    authentication: 'accessToken'
    path: { readonly userId: string }
    query: NoMembers
    body: undefined
    response: { readonly presence: "online" | "offline" | "unavailable"; readonly last_active_ago?: number | undefined; readonly status_msg?: string | null | undefined; readonly currently_active?: boolean | undefined }
  }
  getProfileField: {
    authentication: 'optionalAccessToken'
    path: { readonly userId: string; readonly keyName: string }
    query: NoMembers
    body: undefined
    response: JsonObject
  }
  getProtocolMetadata: {
    authentication: 'accessToken'
    path: { readonly protocol: string }
    query: NoMembers
    body: undefined
    response: ThirdPartyProtocol
  }
  getProtocols: {
    authentication: 'accessToken'
    path: NoMembers
    query: NoMembers
    body: undefined
    response: Readonly<Record<string, ThirdPartyProtocol>>
  }
  getPublicRooms: {
    authentication: 'optionalAccessToken'
    path: NoMembers
    query: { readonly limit?: number; readonly since?: string; readonly server?: string }
    body: undefined
    response: PublicRoomsResponse
  }
  getPushRule: {
    authentication: 'accessToken'
    path: { readonly kind: "override" | "underride" | "sender" | "room" | "content" | "postcontent"; readonly ruleId: string }
    query: NoMembers
    body: undefined
    response: PushRule
  }
  getPushRuleActions: {
    authentication: 'accessToken'
    path: { readonly kind: "override" | "underride" | "sender" | "room" | "content" | "postcontent"; readonly ruleId: string }
    query: NoMembers
    body: undefined
    response: { readonly actions: readonly (string | JsonObject)[] }
  }
  getPushRules: {
    authentication: 'accessToken'
    path: NoMembers
    query: NoMembers
    body: undefined
    response: { readonly global: PushRuleset }
  }
  getPushRulesGlobal: {
    authentication: 'accessToken'
    path: NoMembers
    query: NoMembers
    body: undefined
    response: PushRuleset
  }
  getPushers: {
    authentication: 'accessToken'
    path: NoMembers
    query: NoMembers
    body: undefined
    response: { readonly pushers?: readonly { readonly pushkey: string; readonly kind: string; readonly app_id: string; readonly app_display_name: string; readonly device_display_name: string; readonly profile_tag?: string | undefined; readonly lang: string; readonly data: { readonly url?: string | undefined; readonly format?: string | undefined } }[] | undefined }
  }
  getRelatingEvents: {
    authentication: 'accessToken'
    path: { readonly roomId: string; readonly eventId: string }
    query: { readonly from?: string; readonly to?: string; readonly limit?: number; readonly dir?: "b" | "f"; readonly recurse?: boolean }
    body: undefined
    response: { readonly next_batch?: string | undefined; readonly prev_batch?: string | undefined; readonly recursion_depth?: number | undefined; readonly chunk: readonly ClientEvent[] }
  }
  getRelatingEventsWithRelType: {
    authentication: 'accessToken'
    path: { readonly roomId: string; readonly eventId: string; readonly relType: string }
    query: { readonly from?: string; readonly to?: string; readonly limit?: number; readonly dir?: "b" | "f"; readonly recurse?: boolean }
    body: undefined
    response: { readonly next_batch?: string | undefined; readonly prev_batch?: string | undefined; readonly recursion_depth?: number | undefined; readonly chunk: readonly ClientEvent[] }
  }
  getRelatingEventsWithRelTypeAndEventType: {
    authentication: 'accessToken'
    path: { readonly roomId: string; readonly eventId: string; readonly relType: string; readonly eventType: string }
    query: { readonly from?: string; readonly to?: string; readonly limit?: number; readonly dir?: "b" | "f"; readonly recurse?: boolean }
    body: undefined
    response: { readonly next_batch?: string | undefined; readonly prev_batch?: string | undefined; readonly recursion_depth?: number | undefined; readonly chunk: readonly ClientEvent[] }
  }
  getRendezvousSupport: {
    authentication: 'optionalAccessToken'
    path: NoMembers
    query: NoMembers
    body: undefined
    response: { readonly create_available: boolean }
  }
  getRoomEvents: {
    authentication: 'accessToken'
    path: { readonly roomId: string }
    query: { readonly from?: string; readonly to?: string; readonly dir: "b" | "f"; readonly limit?: number; readonly filter?: string }
    body: undefined
    response: { readonly start: string; readonly end?: string | undefined; readonly chunk: readonly ClientEvent[]; readonly state?: readonly ClientEvent[] | undefined }
  }
  getRoomIcon: {
    authentication: 'accessToken'
    path: { readonly roomId: string }
    query: { readonly size?: number; readonly via?: readonly string[] }
    body: undefined
    response: never
  }
  getRoomIdByAlias: {
    authentication: 'none'
    path: { readonly roomAlias: string }
    query: NoMembers
    body: undefined
    response: { readonly room_id?: string | undefined; readonly servers?: readonly string[] | undefined }
  }
  getRoomKeyBySessionId: {
    authentication: 'accessToken'
    path: { readonly roomId: string; readonly sessionId: string }
    query: { readonly version: string }
    body: undefined
    response: KeyBackupData
  }
  getRoomKeys: {
    authentication: 'accessToken'
    path: NoMembers
    query: { readonly version: string }
    body: undefined
    response: { readonly rooms: Readonly<Record<string, RoomKeyBackup>> }
  }
  getRoomKeysByRoomId: {
    authentication: 'accessToken'
    path: { readonly roomId: string }
    query: { readonly version: string }
    body: undefined
    response: RoomKeyBackup
  }
  getRoomKeysVersion: {
    authentication: 'accessToken'
    path: { readonly version: string }
    query: NoMembers
    body: undefined
    response: { readonly algorithm: string; readonly auth_data: JsonObject; readonly count: number; readonly etag: string; readonly version: string }
  }
  getRoomKeysVersionCurrent: {
    authentication: 'accessToken'
    path: NoMembers
    query: NoMembers
    body: undefined
    response: { readonly algorithm: string; readonly auth_data: JsonObject; readonly count: number; readonly etag: string; readonly version: string }
  }
  getRoomRecord: {
    authentication: 'accessToken'
    path: { readonly roomIdOrAlias: string }
    query: { readonly via?: readonly string[] }
    body: undefined
    response: TesseraRoomRecord
  }
  getRoomState: {
    authentication: 'accessToken'
    path: { readonly roomId: string }
    query: NoMembers
    body: undefined
    response: readonly ClientEvent[]
  }
  getRoomStateIds: {
    authentication: 'signedRequest'
    path: { readonly roomId: string }
    query: { readonly event_id: string }
    body: undefined
    response: { readonly auth_chain_ids: readonly string[]; readonly pdu_ids: readonly string[] }
  }
  getRoomStateWithKey: {
    authentication: 'accessToken'
    path: { readonly roomId: string; readonly eventType: string; readonly stateKey: string }
    query: { readonly format?: "content" | "event" }
    body: undefined
    response: JsonObject | StateEvent
  }
  getRoomSummary: {
    authentication: 'optionalAccessToken'
    path: { readonly roomIdOrAlias: string }
    query: { readonly via?: readonly string[] }
    body: undefined
    response: { readonly canonical_alias?: string | undefined; readonly name?: string | undefined; readonly num_joined_members: number; readonly room_id: string; readonly topic?: string | undefined; readonly world_readable: boolean; readonly guest_can_join: boolean; readonly avatar_url?: string | undefined; readonly join_rule?: string | undefined; readonly room_type?: string | undefined; readonly allowed_room_ids?: readonly string[] | undefined; readonly encryption?: string | undefined; readonly room_version?: string | undefined; readonly membership?: "invite" | "join" | "knock" | "leave" | "ban" | undefined }
  }
  getRoomTags: {
    authentication: 'accessToken'
    path: { readonly userId: string; readonly roomId: string }
    query: NoMembers
    body: undefined
    response: { readonly tags?: Readonly<Record<string, Tag>> | undefined }
  }
  getRoomVisibilityOnDirectory: {
    authentication: 'none'
    path: { readonly roomId: string }
    query: NoMembers
    body: undefined
    response: { readonly visibility?: "private" | "public" | undefined }
  }
  getRtcTransports: {
    authentication: 'accessToken'
    path: NoMembers
    query: NoMembers
    body: undefined
    response: { readonly rtc_transports: readonly { readonly type: string; readonly livekit_service_url?: string | undefined }[] }
  }
  getServerKey: {
    authentication: 'none'
    path: NoMembers
    query: NoMembers
    body: undefined
    response: JsonObject
  }
  getSharedSecretNonce: {
    authentication: 'none'
    path: NoMembers
    query: NoMembers
    body: undefined
    response: { readonly nonce: string }
  }
  getSpaceHierarchy: {
    authentication: 'accessToken'
    path: { readonly roomId: string }
    query: { readonly suggested_only?: boolean; readonly limit?: number; readonly max_depth?: number; readonly from?: string }
    body: undefined
    response: { readonly rooms: readonly { readonly canonical_alias?: string | undefined; readonly name?: string | undefined; readonly num_joined_members: number; readonly room_id: string; readonly topic?: string | undefined; readonly world_readable: boolean; readonly guest_can_join: boolean; readonly avatar_url?: string | undefined; readonly join_rule?: string | undefined; readonly room_type?: string | undefined; readonly allowed_room_ids?: readonly string[] | undefined; readonly encryption?: string | undefined; readonly room_version?: string | undefined; readonly children_state: readonly { readonly content: JsonObject; readonly state_key: string; readonly type: string; readonly sender: string; readonly origin_server_ts: number }[] }[]; readonly next_batch?: string | undefined }
  }
  getThreadRoots: {
    authentication: 'accessToken'
    path: { readonly roomId: string }
    query: { readonly include?: "all" | "participated"; readonly limit?: number; readonly from?: string }
    body: undefined
    response: { readonly chunk: readonly ClientEvent[]; readonly next_batch?: string | undefined }
  }
  getThreadSubscription: {
    authentication: 'accessToken'
    path: { readonly roomId: string; readonly eventId: string }
    query: NoMembers
    body: undefined
    response: { readonly automatic: boolean }
  }
  getTokenOwner: {
    authentication: 'accessToken'
    path: NoMembers
    query: NoMembers
    body: undefined
    response: { readonly user_id: string; readonly device_id?: string | undefined; readonly is_guest?: boolean | undefined }
  }
  getTurnServer: {
    authentication: 'accessToken'
    path: NoMembers
    query: NoMembers
    body: undefined
    response: { readonly username?: string | undefined; readonly password?: string | undefined; readonly uris?: readonly string[] | undefined; readonly ttl?: number | undefined }
  }
  getUrlPreview: {
    authentication: 'accessToken'
    path: NoMembers
    query: { readonly url: string; readonly ts?: number }
    body: undefined
    response: { readonly "matrix:image:size"?: number | undefined; readonly "og:image"?: string | undefined }
  }
  getUrlPreviewAuthed: {
    authentication: 'accessToken'
    path: NoMembers
    query: { readonly url: string; readonly ts?: number }
    body: undefined
    response: { readonly "matrix:image:size"?: number | undefined; readonly "og:image"?: string | undefined }
  }
  getUserDevices: {
    authentication: 'signedRequest'
    path: { readonly userId: string }
    query: NoMembers
    body: undefined
    response: { readonly user_id: string; readonly stream_id: number; readonly devices: readonly { readonly device_id: string; readonly keys: DeviceKeys; readonly device_display_name?: string | undefined }[]; readonly master_key?: CrossSigningKey | undefined; readonly self_signing_key?: CrossSigningKey | undefined }
  }
  getUserIcon: {
    authentication: 'accessToken'
    path: { readonly userId: string }
    query: { readonly size?: number }
    body: undefined
    response: never
  }
  getUserProfile: {
    authentication: 'optionalAccessToken'
    path: { readonly userId: string }
    query: NoMembers
    body: undefined
    response: { readonly avatar_url?: string | undefined; readonly displayname?: string | undefined; readonly "m.tz"?: string | undefined }
  }
  getVersion: {
    authentication: 'none'
    path: NoMembers
    query: NoMembers
    body: undefined
    response: { readonly server?: { readonly name?: string | undefined; readonly version?: string | undefined } | undefined; readonly "chat.tessera"?: { readonly enabled?: boolean | undefined } | undefined }
  }
  getVersions: {
    authentication: 'optionalAccessToken'
    path: NoMembers
    query: NoMembers
    body: undefined
    response: { readonly versions: readonly string[]; readonly unstable_features?: Readonly<Record<string, boolean>> | undefined }
  }
  getWellknown: {
    authentication: 'none'
    path: NoMembers
    query: NoMembers
    body: undefined
    response: DiscoveryInformation
  }
  getWellknownPolicy: {
    authentication: 'none'
    path: NoMembers
    query: NoMembers
    body: undefined
    response: { readonly public_keys: { readonly ed25519: string } }
  }
  getWellknownSupport: {
    authentication: 'none'
    path: NoMembers
    query: NoMembers
    body: undefined
    response: { readonly contacts?: readonly { readonly matrix_id?: string | undefined; readonly email_address?: string | undefined; readonly role: "m.role.admin" | "m.role.security" }[] | undefined; readonly support_page?: string | undefined }
  }
  getWhoIs: {
    authentication: 'accessToken'
    path: { readonly userId: string }
    query: NoMembers
    body: undefined
    response: { readonly user_id?: string | undefined; readonly devices?: Readonly<Record<string, ({ readonly sessions?: readonly { readonly connections?: readonly { readonly ip?: string | undefined; readonly last_seen?: number | undefined; readonly user_agent?: string | undefined }[] | undefined }[] | undefined })>> | undefined }
  }
  initialSync: {
    authentication: 'accessToken'
    path: NoMembers
    query: { readonly limit?: number; readonly archived?: boolean }
    body: undefined
    response: { readonly end: string; readonly presence: readonly Event[]; readonly rooms: readonly { readonly room_id: string; readonly membership: "invite" | "join" | "leave" | "ban"; readonly invite?: ClientEvent | undefined; readonly messages?: { readonly start?: string | undefined; readonly end: string; readonly chunk: readonly ClientEvent[] } | undefined; readonly state?: readonly ClientEvent[] | undefined; readonly visibility?: "private" | "public" | undefined; readonly account_data?: readonly Event[] | undefined }[]; readonly account_data?: readonly Event[] | undefined }
  }
  inviteUser: {
    authentication: 'accessToken'
    path: { readonly roomId: string }
    query: NoMembers
    body: { readonly user_id?: string; readonly reason?: string; readonly id_server?: string; readonly id_access_token?: string; readonly medium?: string; readonly address?: string; readonly "chat.tessera.invitation"?: TesseraInvitationTermsRequest }
    response: JsonObject
  }
  isPushRuleEnabled: {
    authentication: 'accessToken'
    path: { readonly kind: "override" | "underride" | "sender" | "room" | "content" | "postcontent"; readonly ruleId: string }
    query: NoMembers
    body: undefined
    response: { readonly enabled: boolean }
  }
  joinRoom: {
    authentication: 'accessToken'
    path: { readonly roomIdOrAlias: string }
    query: { readonly via?: readonly string[]; readonly server_name?: readonly string[] }
    body: { readonly third_party_signed?: ThirdPartySignedRequest; readonly reason?: string }
    response: { readonly room_id: string }
  }
  joinRoomById: {
    authentication: 'accessToken'
    path: { readonly roomId: string }
    query: NoMembers
    body: { readonly third_party_signed?: ThirdPartySignedRequest; readonly reason?: string }
    response: { readonly room_id: string }
  }
  kick: {
    authentication: 'accessToken'
    path: { readonly roomId: string }
    query: NoMembers
    body: { readonly user_id: string; readonly reason?: string; readonly "org.matrix.msc4293.redact_events"?: boolean }
    response: JsonObject
  }
  knockRoom: {
    authentication: 'accessToken'
    path: { readonly roomIdOrAlias: string }
    query: { readonly via?: readonly string[]; readonly server_name?: readonly string[] }
    body: { readonly reason?: string }
    response: { readonly room_id: string }
  }
  leaveRoom: {
    authentication: 'accessToken'
    path: { readonly roomId: string }
    query: NoMembers
    body: { readonly reason?: string; readonly "chat.tessera.silent"?: boolean }
    response: JsonObject
  }
  listNotifications: {
    authentication: 'accessToken'
    path: NoMembers
    query: { readonly from?: string; readonly limit?: number; readonly kind?: string }
    body: undefined
    response: { readonly items: readonly TesseraNotification[]; readonly total: number; readonly next_batch?: string | undefined }
  }
  listThreadSubscriptions: {
    authentication: 'accessToken'
    path: NoMembers
    query: { readonly dir: "b"; readonly from?: string; readonly to?: string; readonly limit?: number }
    body: undefined
    response: { readonly subscribed: Readonly<Record<string, Readonly<Record<string, { readonly automatic: boolean; readonly bump_stamp: number }>>>>; readonly unsubscribed: Readonly<Record<string, Readonly<Record<string, { readonly bump_stamp: number }>>>>; readonly end?: string | undefined }
  }
  login: {
    authentication: 'none'
    path: NoMembers
    query: NoMembers
    body: { readonly type: string; readonly identifier?: UserIdentifierRequest; readonly user?: string; readonly medium?: string; readonly address?: string; readonly password?: string; readonly token?: string; readonly device_id?: string; readonly initial_device_display_name?: string; readonly refresh_token?: boolean }
    response: { readonly user_id: string; readonly access_token: string; readonly refresh_token?: string | undefined; readonly expires_in_ms?: number | undefined; readonly home_server?: string | undefined; readonly device_id: string; readonly well_known?: DiscoveryInformation | undefined }
  }
  logout: {
    authentication: 'accessToken'
    path: NoMembers
    query: NoMembers
    body: undefined
    response: JsonObject
  }
  logoutAll: {
    authentication: 'accessToken'
    path: NoMembers
    query: NoMembers
    body: undefined
    response: JsonObject
  }
  makeJoin: {
    authentication: 'signedRequest'
    path: { readonly roomId: string; readonly userId: string }
    query: { readonly ver?: readonly string[] }
    body: undefined
    response: { readonly room_version?: string | undefined; readonly event?: JsonObject | undefined }
  }
  makeKnock: {
    authentication: 'signedRequest'
    path: { readonly roomId: string; readonly userId: string }
    query: { readonly ver: readonly string[] }
    body: undefined
    response: { readonly room_version: string; readonly event: JsonObject }
  }
  makeLeave: {
    authentication: 'signedRequest'
    path: { readonly roomId: string; readonly userId: string }
    query: NoMembers
    body: undefined
    response: { readonly room_version?: string | undefined; readonly event?: JsonObject | undefined }
  }
  onBindThirdPartyIdentifier: {
    authentication: 'none'
    path: NoMembers
    query: NoMembers
    body: { readonly medium: string; readonly address: string; readonly mxid: string; readonly invites: readonly { readonly medium: string; readonly address: string; readonly mxid: string; readonly room_id: string; readonly sender: string; readonly signed: SignedThirdPartyInviteRequest }[] }
    response: JsonObject
  }
  openDirectRoom: {
    authentication: 'accessToken'
    path: { readonly userId: string }
    query: NoMembers
    body: { readonly request?: boolean; readonly encryption?: string }
    response: { readonly room_id: string; readonly created: boolean; readonly key: readonly string[]; readonly membership: "invite" | "join" | "knock" | "leave" | "ban"; readonly requested?: boolean | undefined }
  }
  perspectivesKeyQuery: {
    authentication: 'none'
    path: { readonly serverName: string }
    query: { readonly minimum_valid_until_ts?: number }
    body: undefined
    response: KeysQueryResponse
  }
  pingAppservice: {
    authentication: 'appServiceToken'
    path: { readonly appserviceId: string }
    query: NoMembers
    body: { readonly transaction_id?: string }
    response: { readonly duration_ms: number }
  }
  post3PIDs: {
    authentication: 'accessToken'
    path: NoMembers
    query: NoMembers
    body: { readonly three_pid_creds: { readonly client_secret: string; readonly id_server: string; readonly id_access_token: string; readonly sid: string } }
    response: { readonly submit_url?: string | undefined }
  }
  postDehydratedDeviceEvents: {
    authentication: 'accessToken'
    path: { readonly deviceId: string }
    query: NoMembers
    body: { readonly next_batch?: string }
    response: { readonly events: readonly JsonObject[]; readonly next_batch?: string | undefined }
  }
  postPusher: {
    authentication: 'accessToken'
    path: NoMembers
    query: NoMembers
    body: { readonly pushkey: string; readonly kind: string | null; readonly app_id: string; readonly app_display_name?: string; readonly device_display_name?: string; readonly profile_tag?: string; readonly lang?: string; readonly data?: { readonly url?: string; readonly format?: string }; readonly append?: boolean; readonly "org.matrix.msc4076.disable_badge_count"?: boolean }
    response: JsonObject
  }
  postReceipt: {
    authentication: 'accessToken'
    path: { readonly roomId: string; readonly receiptType: "m.read" | "m.read.private" | "m.fully_read" | "org.matrix.msc2285.read.private"; readonly eventId: string }
    query: NoMembers
    body: { readonly thread_id?: JsonValue }
    response: JsonObject
  }
  postRoomKeysVersion: {
    authentication: 'accessToken'
    path: NoMembers
    query: NoMembers
    body: { readonly algorithm: string; readonly auth_data: JsonObject }
    response: { readonly version: string }
  }
  putDehydratedDevice: {
    authentication: 'accessToken'
    path: NoMembers
    query: NoMembers
    body: { readonly device_id: string; readonly device_data: JsonObject; readonly initial_device_display_name?: string; readonly device_keys: DeviceKeysRequest; readonly one_time_keys?: OneTimeKeysRequest; readonly fallback_keys?: OneTimeKeysRequest }
    response: { readonly device_id: string }
  }
  putRoomKeyBySessionId: {
    authentication: 'accessToken'
    path: { readonly roomId: string; readonly sessionId: string }
    query: { readonly version: string }
    body: KeyBackupDataRequest
    response: { readonly etag: string; readonly count: number }
  }
  putRoomKeys: {
    authentication: 'accessToken'
    path: NoMembers
    query: { readonly version: string }
    body: { readonly rooms: Readonly<Record<string, RoomKeyBackupRequest>> }
    response: { readonly etag: string; readonly count: number }
  }
  putRoomKeysByRoomId: {
    authentication: 'accessToken'
    path: { readonly roomId: string }
    query: { readonly version: string }
    body: RoomKeyBackupRequest
    response: { readonly etag: string; readonly count: number }
  }
  putRoomKeysVersion: {
    authentication: 'accessToken'
    path: { readonly version: string }
    query: NoMembers
    body: { readonly algorithm: string; readonly auth_data: JsonObject; readonly version?: string }
    response: JsonObject
  }
  putThreadSubscription: {
    authentication: 'accessToken'
    path: { readonly roomId: string; readonly eventId: string }
    query: NoMembers
    body: { readonly automatic?: string }
    response: JsonObject
  }
  queryInfo: {
    authentication: 'signedRequest'
    path: { readonly queryType: string }
    query: NoMembers
    body: undefined
    response: never
  }
  queryKeys: {
    authentication: 'accessToken'
    path: NoMembers
    query: NoMembers
    body: { readonly timeout?: number; readonly device_keys: Readonly<Record<string, readonly string[]>> }
    response: { readonly failures?: Readonly<Record<string, JsonObject>> | undefined; readonly device_keys?: Readonly<Record<string, (Readonly<Record<string, ({ readonly unsigned?: { readonly device_display_name?: string | undefined } | undefined; readonly user_id: string; readonly device_id: string; readonly algorithms: readonly string[]; readonly keys: Readonly<Record<string, string>>; readonly signatures: Readonly<Record<string, Readonly<Record<string, string>>>> })>>)>> | undefined; readonly master_keys?: Readonly<Record<string, CrossSigningKey>> | undefined; readonly self_signing_keys?: Readonly<Record<string, CrossSigningKey>> | undefined; readonly user_signing_keys?: Readonly<Record<string, CrossSigningKey>> | undefined }
  }
  queryLocationByAlias: {
    authentication: 'accessToken'
    path: NoMembers
    query: { readonly alias: string }
    body: undefined
    response: ThirdPartyLocations
  }
  queryLocationByProtocol: {
    authentication: 'accessToken'
    path: { readonly protocol: string }
    query: NoMembers
    body: undefined
    response: ThirdPartyLocations
  }
  queryProfile: {
    authentication: 'signedRequest'
    path: NoMembers
    query: { readonly user_id: string; readonly field?: string }
    body: undefined
    response: { readonly displayname?: string | undefined; readonly avatar_url?: string | undefined; readonly "m.tz"?: string | undefined }
  }
  queryPublicRooms: {
    authentication: 'accessToken'
    path: NoMembers
    query: { readonly server?: string }
    body: { readonly limit?: number; readonly since?: string; readonly filter?: { readonly generic_search_term?: string; readonly room_types?: readonly (string | null)[] }; readonly include_all_networks?: boolean; readonly third_party_instance_id?: string }
    response: PublicRoomsResponse
  }
  queryRoomDirectory: {
    authentication: 'signedRequest'
    path: NoMembers
    query: { readonly room_alias: string }
    body: undefined
    response: { readonly room_id: string; readonly servers: readonly string[] }
  }
  queryUserByID: {
    authentication: 'accessToken'
    path: NoMembers
    query: { readonly userid: string }
    body: undefined
    response: ThirdPartyUsers
  }
  queryUserByProtocol: {
    authentication: 'accessToken'
    path: { readonly protocol: string }
    query: NoMembers
    body: undefined
    response: ThirdPartyUsers
  }
  queryUserEncryptionKeys: {
    authentication: 'signedRequest'
    path: NoMembers
    query: NoMembers
    body: { readonly device_keys: Readonly<Record<string, readonly string[]>> }
    response: { readonly device_keys: Readonly<Record<string, (Readonly<Record<string, ({ readonly unsigned?: { readonly device_display_name?: string | undefined } | undefined; readonly user_id: string; readonly device_id: string; readonly algorithms: readonly string[]; readonly keys: Readonly<Record<string, string>>; readonly signatures: Readonly<Record<string, Readonly<Record<string, string>>>> })>>)>>; readonly master_keys?: Readonly<Record<string, CrossSigningKey>> | undefined; readonly self_signing_keys?: Readonly<Record<string, CrossSigningKey>> | undefined }
  }
  readRendezvous: {
    authentication: 'none'
    path: { readonly rendezvousId: string }
    query: NoMembers
    body: undefined
    response: { readonly data: string; readonly sequence_token: string; readonly expires_in_ms: number }
  }
  readTextRendezvous: {
    authentication: 'none'
    path: { readonly rendezvousId: string }
    query: NoMembers
    body: undefined
    response: never
  }
  redactEvent: {
    authentication: 'accessToken'
    path: { readonly roomId: string; readonly eventId: string; readonly txnId: string }
    query: NoMembers
    body: { readonly reason?: string; readonly with_rel_types?: readonly string[]; readonly "org.matrix.msc3912.with_relations"?: readonly string[] }
    response: { readonly event_id?: string | undefined }
  }
  redactEventOnce: {
    authentication: 'accessToken'
    path: { readonly roomId: string; readonly eventId: string }
    query: NoMembers
    body: { readonly reason?: string }
    response: { readonly event_id: string }
  }
  redirectToIdP: {
    authentication: 'none'
    path: { readonly idpId: string }
    query: { readonly redirectUrl: string; readonly action?: "login" | "register" }
    body: undefined
    response: never
  }
  redirectToSSO: {
    authentication: 'none'
    path: NoMembers
    query: { readonly redirectUrl: string; readonly action?: "login" | "register" }
    body: undefined
    response: never
  }
  refresh: {
    authentication: 'none'
    path: NoMembers
    query: NoMembers
    body: { readonly refresh_token: string }
    response: { readonly access_token: string; readonly refresh_token?: string | undefined; readonly expires_in_ms?: number | undefined }
  }
  register: {
    authentication: 'none'
    path: NoMembers
    query: { readonly kind: "guest" | "user" }
    body: { readonly auth?: AuthDataRequest; readonly type?: string; readonly username?: string; readonly password?: string; readonly device_id?: string; readonly initial_device_display_name?: string; readonly inhibit_login?: boolean; readonly refresh_token?: boolean; readonly guest_access_token?: string }
    response: { readonly user_id: string; readonly access_token?: string | undefined; readonly refresh_token?: string | undefined; readonly expires_in_ms?: number | undefined; readonly home_server?: string | undefined; readonly device_id?: string | undefined }
  }
  registerBySharedSecret: {
    authentication: 'none'
    path: NoMembers
    query: NoMembers
    body: { readonly nonce: string; readonly username: string; readonly displayname?: string; readonly password: string; readonly admin?: boolean; readonly user_type?: string | null; readonly mac: string }
    response: { readonly user_id: string; readonly access_token: string; readonly device_id: string; readonly home_server: string }
  }
  registrationTokenValidity: {
    authentication: 'none'
    path: NoMembers
    query: { readonly token: string }
    body: undefined
    response: { readonly valid: boolean }
  }
  replyToInvitation: {
    authentication: 'accessToken'
    path: { readonly roomId: string }
    query: NoMembers
    body: AsyncIterable<Uint8Array>
    response: JsonObject
  }
  reportEvent: {
    authentication: 'accessToken'
    path: { readonly roomId: string; readonly eventId: string }
    query: NoMembers
    body: { readonly reason?: string }
    response: JsonObject
  }
  reportRoom: {
    authentication: 'accessToken'
    path: { readonly roomId: string }
    query: NoMembers
    body: { readonly reason: string }
    response: JsonObject
  }
  reportUser: {
    authentication: 'accessToken'
    path: { readonly userId: string }
    query: NoMembers
    body: { readonly reason: string }
    response: JsonObject
  }
  requestOpenIdToken: {
    authentication: 'accessToken'
    path: { readonly userId: string }
    query: NoMembers
    body: JsonObject
    response: OpenIdToken
  }
  requestTokenTo3PIDEmail: {
    authentication: 'none'
    path: NoMembers
    query: NoMembers
    body: RequestEmailValidationRequest
    response: RequestTokenResponse
  }
  requestTokenTo3PIDMSISDN: {
    authentication: 'none'
    path: NoMembers
    query: NoMembers
    body: RequestMsisdnValidationRequest
    response: RequestTokenResponse
  }
  requestTokenToRegisterEmail: {
    authentication: 'none'
    path: NoMembers
    query: NoMembers
    body: RequestEmailValidationRequest
    response: RequestTokenResponse
  }
  requestTokenToRegisterMSISDN: {
    authentication: 'none'
    path: NoMembers
    query: NoMembers
    body: RequestMsisdnValidationRequest
    response: RequestTokenResponse
  }
  requestTokenToResetPasswordEmail: {
    authentication: 'none'
    path: NoMembers
    query: NoMembers
    body: RequestEmailValidationRequest
    response: RequestTokenResponse
  }
  requestTokenToResetPasswordMSISDN: {
    authentication: 'none'
    path: NoMembers
    query: NoMembers
    body: RequestMsisdnValidationRequest
    response: RequestTokenResponse
  }
  restartDelayedEvent: {
    authentication: 'accessToken'
    path: { readonly delayId: string }
    query: NoMembers
    body: undefined
    response: JsonObject
  }
  roomInitialSync: {
    authentication: 'accessToken'
    path: { readonly roomId: string }
    query: NoMembers
    body: undefined
    response: { readonly room_id: string; readonly membership?: "invite" | "join" | "leave" | "ban" | undefined; readonly messages?: { readonly start?: string | undefined; readonly end: string; readonly chunk: readonly ClientEvent[] } | undefined; readonly state?: readonly ClientEvent[] | undefined; readonly visibility?: "private" | "public" | undefined; readonly account_data?: readonly Event[] | undefined }
  }
  scheduleDelayedEvent: {
    authentication: 'accessToken'
    path: { readonly roomId: string; readonly eventType: string; readonly txnId: string }
    query: { readonly "org.matrix.msc4354.sticky_duration_ms"?: number; readonly ts?: number }
    body: { readonly delay_ms?: number; readonly delay?: number; readonly state_key?: string; readonly content: JsonObject }
    response: { readonly delay_id: string }
  }
  search: {
    authentication: 'accessToken'
    path: NoMembers
    query: { readonly next_batch?: string }
    body: { readonly search_categories: { readonly room_events?: { readonly search_term: string; readonly keys?: readonly ("content.body" | "content.name" | "content.topic")[]; readonly filter?: RoomEventFilterRequest; readonly order_by?: "recent" | "rank"; readonly event_context?: { readonly before_limit?: number; readonly after_limit?: number; readonly include_profile?: boolean }; readonly include_state?: boolean; readonly groupings?: { readonly group_by?: readonly { readonly key?: "room_id" | "sender" }[] } } } }
    response: { readonly search_categories: { readonly room_events?: { readonly count?: number | undefined; readonly highlights?: readonly string[] | undefined; readonly results?: readonly { readonly rank?: number | undefined; readonly result?: ClientEvent | undefined; readonly context?: { readonly start?: string | undefined; readonly end?: string | undefined; readonly profile_info?: Readonly<Record<string, ({ readonly displayname?: string | undefined; readonly avatar_url?: string | undefined })>> | undefined; readonly events_before?: readonly ClientEvent[] | undefined; readonly events_after?: readonly ClientEvent[] | undefined } | undefined }[] | undefined; readonly state?: Readonly<Record<string, readonly ClientEvent[]>> | undefined; readonly groups?: Readonly<Record<string, (Readonly<Record<string, ({ readonly next_batch?: string | undefined; readonly order?: number | undefined; readonly results?: readonly string[] | undefined })>>)>> | undefined; readonly next_batch?: string | undefined } | undefined } }
  }
  searchUserDirectory: {
    authentication: 'accessToken'
    path: NoMembers
    query: NoMembers
    body: { readonly search_term: string; readonly limit?: number }
    response: { readonly results: readonly { readonly user_id: string; readonly display_name?: string | undefined; readonly avatar_url?: string | undefined }[]; readonly limited: boolean }
  }
  sendDelayedEvent: {
    authentication: 'accessToken'
    path: { readonly delayId: string }
    query: NoMembers
    body: undefined
    response: JsonObject
  }
  sendInviteV1: {
    authentication: 'signedRequest'
    path: { readonly roomId: string; readonly eventId: string }
    query: NoMembers
    body: JsonObject
    response: readonly (number | { readonly event: JsonObject })[]
  }
  sendInviteV2: {
    authentication: 'signedRequest'
    path: { readonly roomId: string; readonly eventId: string }
    query: NoMembers
    body: { readonly room_version: string; readonly event: JsonObject; readonly invite_room_state?: readonly JsonValue[] }
    response: { readonly event: JsonObject }
  }
  sendJoinV1: {
    authentication: 'signedRequest'
    path: { readonly roomId: string; readonly eventId: string }
    query: NoMembers
    body: JsonObject
    response: readonly (number | { readonly auth_chain: readonly JsonObject[]; readonly state: readonly JsonObject[] })[]
  }
  sendJoinV2: {
    authentication: 'signedRequest'
    path: { readonly roomId: string; readonly eventId: string }
    query: { readonly omit_members?: boolean }
    body: JsonObject
    response: { readonly members_omitted?: boolean | undefined; readonly auth_chain: readonly JsonObject[]; readonly state: readonly JsonObject[]; readonly event?: JsonObject | undefined; readonly servers_in_room?: readonly string[] | undefined }
  }
  sendKnock: {
    authentication: 'signedRequest'
    path: { readonly roomId: string; readonly eventId: string }
    query: NoMembers
    body: JsonObject
    response: { readonly knock_room_state: readonly JsonObject[] }
  }
  sendLeaveV1: {
    authentication: 'signedRequest'
    path: { readonly roomId: string; readonly eventId: string }
    query: NoMembers
    body: JsonObject
    response: readonly (number | JsonObject)[]
  }
  sendLeaveV2: {
    authentication: 'signedRequest'
    path: { readonly roomId: string; readonly eventId: string }
    query: NoMembers
    body: JsonObject
    response: JsonObject
  }
  sendMessage: {
    authentication: 'accessToken'
    path: { readonly roomId: string; readonly eventType: string; readonly txnId: string }
    query: { readonly "org.matrix.msc4140.delay"?: number; readonly "org.matrix.msc4354.sticky_duration_ms"?: number; readonly ts?: number }
    body: JsonObject
    response: { readonly event_id: string } | { readonly delay_id: string }
  }
  sendMessageOnce: {
    authentication: 'accessToken'
    path: { readonly roomId: string; readonly eventType: string }
    query: { readonly ts?: number }
    body: JsonObject
    response: { readonly event_id: string }
  }
  sendToDevice: {
    authentication: 'accessToken'
    path: { readonly eventType: string; readonly txnId: string }
    query: NoMembers
    body: { readonly messages: Readonly<Record<string, Readonly<Record<string, JsonObject>>>> }
    response: JsonObject
  }
  sendTransaction: {
    authentication: 'signedRequest'
    path: { readonly txnId: string }
    query: NoMembers
    body: { readonly origin?: string; readonly origin_server_ts?: number; readonly pdus?: readonly JsonValue[] | null; readonly edus?: readonly JsonValue[] | null }
    response: { readonly pdus: Readonly<Record<string, ({ readonly error?: string | undefined })>> }
  }
  setAccountData: {
    authentication: 'accessToken'
    path: { readonly userId: string; readonly type: string }
    query: NoMembers
    body: JsonObject
    response: JsonObject
  }
  setAccountDataPerRoom: {
    authentication: 'accessToken'
    path: { readonly userId: string; readonly roomId: string; readonly type: string }
    query: NoMembers
    body: JsonObject
    response: JsonObject
  }
  setAdminLockUser: {
    authentication: 'accessToken'
    path: { readonly userId: string }
    query: NoMembers
    body: { readonly locked: boolean }
    response: { readonly locked: boolean }
  }
  setAdminSuspendUser: {
    authentication: 'accessToken'
    path: { readonly userId: string }
    query: NoMembers
    body: { readonly suspended: boolean }
    response: { readonly suspended: boolean }
  }
  setPresence: {
    authentication: 'accessToken'
    path: { readonly userId: string }
    query: NoMembers
    body: { readonly presence: "online" | "offline" | "unavailable"; readonly status_msg?: string | null }
    response: JsonObject
  }
  setProfileField: {
    authentication: 'accessToken'
    path: { readonly userId: string; readonly keyName: string }
    query: NoMembers
    body: JsonObject
    response: JsonObject
  }
  setPushRule: {
    authentication: 'accessToken'
    path: { readonly kind: "override" | "underride" | "sender" | "room" | "content" | "postcontent"; readonly ruleId: string }
    query: { readonly before?: string; readonly after?: string }
    body: { readonly actions: readonly (string | JsonObject)[]; readonly conditions?: readonly PushConditionRequest[]; readonly pattern?: string }
    response: JsonObject
  }
  setPushRuleActions: {
    authentication: 'accessToken'
    path: { readonly kind: "override" | "underride" | "sender" | "room" | "content" | "postcontent"; readonly ruleId: string }
    query: NoMembers
    body: { readonly actions: readonly (string | JsonObject)[] }
    response: JsonObject
  }
  setPushRuleEnabled: {
    authentication: 'accessToken'
    path: { readonly kind: "override" | "underride" | "sender" | "room" | "content" | "postcontent"; readonly ruleId: string }
    query: NoMembers
    body: { readonly enabled: boolean }
    response: JsonObject
  }
  setReadMarker: {
    authentication: 'accessToken'
    path: { readonly roomId: string }
    query: NoMembers
    body: { readonly "m.fully_read"?: string; readonly "m.read"?: string; readonly "m.read.private"?: string; readonly "org.matrix.msc2285.read.private"?: string }
    response: JsonObject
  }
  setRoomAlias: {
    authentication: 'accessToken'
    path: { readonly roomAlias: string }
    query: NoMembers
    body: { readonly room_id: string }
    response: JsonObject
  }
  setRoomStateWithKey: {
    authentication: 'accessToken'
    path: { readonly roomId: string; readonly eventType: string; readonly stateKey: string }
    query: { readonly "org.matrix.msc4140.delay"?: number; readonly "org.matrix.msc4354.sticky_duration_ms"?: number; readonly ts?: number }
    body: JsonObject
    response: { readonly event_id: string } | { readonly delay_id: string }
  }
  setRoomTag: {
    authentication: 'accessToken'
    path: { readonly userId: string; readonly roomId: string; readonly tag: string }
    query: NoMembers
    body: { readonly order?: number | string }
    response: JsonObject
  }
  setRoomVisibilityOnDirectory: {
    authentication: 'accessToken'
    path: { readonly roomId: string }
    query: NoMembers
    body: { readonly visibility?: "private" | "public" }
    response: JsonObject
  }
  setTyping: {
    authentication: 'accessToken'
    path: { readonly userId: string; readonly roomId: string }
    query: NoMembers
    body: { readonly typing: boolean; readonly timeout?: number }
    response: JsonObject
  }
  simplifiedSlidingSync: {
    authentication: 'accessToken'
    path: NoMembers
    query: { readonly pos?: string; readonly timeout?: number; readonly set_presence?: "offline" | "online" | "unavailable" }
    body: { readonly conn_id?: string; readonly txn_id?: string; readonly lists?: JsonObject; readonly room_subscriptions?: JsonObject; readonly extensions?: JsonObject }
    response: { readonly pos: string; readonly txn_id?: string | undefined; readonly lists: Readonly<Record<string, { readonly count: number }>>; readonly rooms: Readonly<Record<string, SlidingRoom>>; readonly extensions: { readonly "org.matrix.msc4262.profiles"?: { readonly users: Readonly<Record<string, (({ readonly updated?: JsonObject | undefined; readonly removed?: readonly string[] | undefined }) | null)>> } | undefined } }
  }
  sync: {
    authentication: 'accessToken'
    path: NoMembers
    query: { readonly filter?: string; readonly since?: string; readonly full_state?: boolean; readonly set_presence?: "offline" | "online" | "unavailable"; readonly timeout?: number; readonly use_state_after?: boolean; readonly "org.matrix.msc4222.use_state_after"?: boolean }
    body: undefined
    response: { readonly next_batch: string; readonly rooms?: { readonly join?: Readonly<Record<string, ({ readonly summary?: { readonly "m.heroes"?: readonly string[] | undefined; readonly "m.joined_member_count"?: number | undefined; readonly "m.invited_member_count"?: number | undefined } | undefined; readonly state?: StateEventBatch | undefined; readonly state_after?: StateEventBatch | undefined; readonly timeline?: TimelineBatch | undefined; readonly ephemeral?: EventBatch | undefined; readonly account_data?: EventBatch | undefined; readonly unread_notifications?: { readonly highlight_count?: number | undefined; readonly notification_count?: number | undefined } | undefined; readonly unread_thread_notifications?: Readonly<Record<string, ({ readonly highlight_count?: number | undefined; readonly notification_count?: number | undefined })>> | undefined })>> | undefined; readonly invite?: Readonly<Record<string, ({ readonly invite_state?: { readonly events?: readonly StrippedState[] | undefined } | undefined })>> | undefined; readonly knock?: Readonly<Record<string, ({ readonly knock_state?: { readonly events?: readonly StrippedState[] | undefined } | undefined })>> | undefined; readonly leave?: Readonly<Record<string, ({ readonly state?: StateEventBatch | undefined; readonly state_after?: StateEventBatch | undefined; readonly timeline?: TimelineBatch | undefined; readonly account_data?: EventBatch | undefined })>> | undefined } | undefined; readonly presence?: EventBatch | undefined; readonly account_data?: EventBatch | undefined; readonly to_device?: JsonObject | undefined; readonly device_lists?: JsonObject | undefined; readonly device_one_time_keys_count?: Readonly<Record<string, number>> | undefined }
  }
  unban: {
    authentication: 'accessToken'
    path: { readonly roomId: string }
    query: NoMembers
    body: { readonly user_id: string; readonly reason?: string }
    response: JsonObject
  }
  unbind3pidFromAccount: {
    authentication: 'accessToken'
    path: NoMembers
    query: NoMembers
    body: { readonly id_server?: string; readonly medium: "email" | "msisdn"; readonly address: string }
    response: { readonly id_server_unbind_result: "no-support" | "success" }
  }
  updateAppserviceRoomDirectoryVisibility: {
    authentication: 'appServiceToken'
    path: { readonly networkId: string; readonly roomId: string }
    query: NoMembers
    body: { readonly visibility: "public" | "private" }
    response: JsonObject
  }
  updateDelayedEvent: {
    authentication: 'accessToken'
    path: { readonly delayId: string }
    query: NoMembers
    body: { readonly action: "send" | "cancel" | "restart" }
    response: JsonObject
  }
  updateDevice: {
    authentication: 'accessToken'
    path: { readonly deviceId: string }
    query: NoMembers
    body: { readonly display_name?: string }
    response: JsonObject
  }
  upgradeRoom: {
    authentication: 'accessToken'
    path: { readonly roomId: string }
    query: NoMembers
    body: { readonly new_version: string; readonly additional_creators?: readonly string[] }
    response: { readonly replacement_room: string }
  }
  uploadContent: {
    authentication: 'accessToken'
    path: NoMembers
    query: { readonly filename?: string }
    body: AsyncIterable<Uint8Array>
    response: { readonly content_uri: string }
  }
  uploadContentToMXC: {
    authentication: 'accessToken'
    path: { readonly serverName: string; readonly mediaId: string }
    query: { readonly filename?: string }
    body: AsyncIterable<Uint8Array>
    response: JsonObject
  }
  uploadCrossSigningKeys: {
    authentication: 'accessToken'
    path: NoMembers
    query: NoMembers
    body: { readonly master_key?: CrossSigningKeyRequest; readonly self_signing_key?: CrossSigningKeyRequest; readonly user_signing_key?: CrossSigningKeyRequest; readonly auth?: AuthDataRequest }
    response: JsonObject
  }
  uploadCrossSigningSignatures: {
    authentication: 'accessToken'
    path: NoMembers
    query: NoMembers
    body: Readonly<Record<string, Readonly<Record<string, JsonObject>>>>
    response: { readonly failures?: Readonly<Record<string, Readonly<Record<string, JsonObject>>>> | undefined }
  }
  uploadKeys: {
    authentication: 'accessToken'
    path: NoMembers
    query: NoMembers
    body: { readonly device_keys?: DeviceKeysRequest; readonly one_time_keys?: OneTimeKeysRequest; readonly fallback_keys?: OneTimeKeysRequest }
    response: { readonly one_time_key_counts: Readonly<Record<string, number>> }
  }
  withdrawDirectRequest: {
    authentication: 'accessToken'
    path: { readonly userId: string }
    query: NoMembers
    body: undefined
    response: JsonObject
  }
  writeRendezvous: {
    authentication: 'none'
    path: { readonly rendezvousId: string }
    query: NoMembers
    body: { readonly sequence_token: string; readonly data: string }
    response: { readonly sequence_token: string }
  }
  writeTextRendezvous: {
    authentication: 'none'
    path: { readonly rendezvousId: string }
    query: NoMembers
    body: AsyncIterable<Uint8Array>
    response: JsonObject
  }
}

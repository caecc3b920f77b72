import type { RequiredState } from './required-state.ts'

/** What a client wants of a room. */
export interface RoomConfig {
  readonly timelineLimit: number
  readonly requiredState: RequiredState
}

/** Which rooms belong into a list; what is `undefined` does not matter. */
export interface ListFilters {
  readonly isDirect: boolean | undefined
  readonly isEncrypted: boolean | undefined
  readonly isInvited: boolean | undefined
  /** Joined spaces of which one has the room among its children. */
  readonly spaces: readonly string[] | undefined
  /** `null` is a room without a type. */
  readonly roomTypes: readonly (string | null)[] | undefined
  readonly notRoomTypes: readonly (string | null)[] | undefined
  readonly tags: readonly string[] | undefined
  readonly notTags: readonly string[] | undefined
}

/** A window on the list of the user's rooms. */
export interface ListRule {
  readonly name: string
  readonly config: RoomConfig
  readonly filters: ListFilters
  /** Inclusive at both ends; `undefined` is all of the list. */
  readonly ranges: readonly (readonly [number, number])[] | undefined
}

/**
 * On which rooms an extension bears: those in the windows of these lists, and these of the rooms that are subscribed to; `undefined`:
 * all of them ("a union of conditions, not an intersection").
 */
export interface ExtensionScope {
  readonly lists: ReadonlySet<string> | undefined
  readonly rooms: ReadonlySet<string> | undefined
}

/** Changes of profiles (MSC4262); `fields`: of which, where not of all. */
export interface ProfilesRequest {
  readonly scope: ExtensionScope
  readonly fields: ReadonlySet<string> | undefined
}

/** What extensions are asked for; `undefined`: not at all. */
export interface ExtensionRequests {
  readonly toDevice: { readonly since: number | undefined; readonly limit: number } | undefined
  readonly e2ee: boolean
  readonly accountData: ExtensionScope | undefined
  readonly receipts: ExtensionScope | undefined
  readonly typing: ExtensionScope | undefined
  /** Sticky events (MSC4354). */
  readonly stickyEvents: boolean
  /** Changes of subscriptions to threads (MSC4308): so many at most. */
  readonly threadSubscriptions: { readonly limit: number } | undefined
  readonly profiles: ProfilesRequest | undefined
}

/** A request of sliding sync, in whichever dialect it came. */
export interface SlidingRequest {
  readonly connectionId: string
  /** `undefined` begins a connection. */
  readonly pos: string | undefined
  readonly timeoutMs: number
  /** Comes back with the response. */
  readonly txnId: string | undefined
  readonly lists: readonly ListRule[]
  readonly subscriptions: ReadonlyMap<string, RoomConfig>
  readonly extensions: ExtensionRequests
}

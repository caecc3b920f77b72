/** The bounds on invitations. Durations are milliseconds. */
export interface InvitationLimits {
  /** How many invitations of one user may be scheduled or pending. */
  readonly maxSent: number
  /** How many invitations to one user may be pending. */
  readonly maxReceived: number
  /** How long what became of them is remembered. */
  readonly keepHistory: number
}

const YEAR_MS = 366 * 24 * 60 * 60_000

/** No invitation is delivered later, lasts longer, or is to an event further away. */
export const MAX_AHEAD_MS = 5 * YEAR_MS

/** In code points. */
export const MAX_SUMMARY_LENGTH = 500

/** The bounds on invitations. Durations are milliseconds. */
export interface InvitationLimits {
  /** How many invitations of one user may be scheduled or pending. */
  readonly maxSent: number
  /** How many invitations to one user may be pending. */
  readonly maxReceived: number
  /** How long what became of them is remembered. */
  readonly keepHistory: number
}

/** Whether a client has gone before it was answered. An `AbortSignal` says so as well, and costs a good deal more. */
export interface Departure {
  readonly aborted: boolean
  addEventListener(type: 'abort', listener: () => void): void
  removeEventListener(type: 'abort', listener: () => void): void
}

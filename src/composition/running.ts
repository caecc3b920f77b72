/** What does something by itself, in the order in which it starts; closed in reverse. */
export interface Running {
  start?(): void
  close(): void | Promise<void>
}

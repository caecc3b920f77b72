/** What the driver says of a server that asks for a password where none is given. */
const NO_PASSWORD = /client password must be a/

/** Why a PostgreSQL server cannot be reached, in few words. That of a connection tried at several addresses is empty, its parts are not. */
export const connectionFailure = (error: unknown): string => {
  if (error instanceof AggregateError && error.message === '')
    return error.errors.map(connectionFailure).join(', ')
  const message = error instanceof Error ? error.message : String(error)
  return NO_PASSWORD.test(message)
    ? 'it asks for a password, and there is none in its address, in PGPASSWORD or in ~/.pgpass'
    : message
}

/** What the driver says of a server that asks for a password where none is given. */
const NO_PASSWORD = /client password must be a/

/** What PostgreSQL says when as many are connected as it lets in. */
const TOO_MANY = /too many clients|remaining connection slots|too many connections/

/** Why a PostgreSQL server cannot be reached, in few words. That of a connection tried at several addresses is empty, its parts are not. */
export const connectionFailure = (error: unknown): string => {
  if (error instanceof AggregateError && error.message === '')
    return error.errors.map(connectionFailure).join(', ')
  const message = error instanceof Error ? error.message : String(error)
  if (NO_PASSWORD.test(message))
    return 'it asks for a password, and there is none in its address, in PGPASSWORD or in ~/.pgpass'
  return TOO_MANY.test(message)
    ? `${message} (raise max_connections of PostgreSQL, or lower database.max_connections or workers)`
    : message
}

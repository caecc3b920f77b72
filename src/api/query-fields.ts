/** Parameters of a query that belong to authentication (client-server API, "Using access tokens", "Identity assertion"). */
const NOT_FIELDS = ['access_token', 'user_id', 'device_id', 'org.matrix.msc3202.device_id']

/**
 * The parameters of a request target whose names only an application service knows: each single one, as it was sent.
 */
export const queryFields = (uri: string): Record<string, string> => {
  const query = new URLSearchParams(uri.split('?')[1] ?? '')
  return Object.fromEntries([...query].filter(([name]) => !NOT_FIELDS.includes(name)))
}

import { createHmac } from 'node:crypto'
import { type RunningTestServer, TEST_PASSWORD, type TestAccount } from './server.ts'

/** Makes an administrator on a test server that has a shared secret (`registration.shared_secret`). */
export const registerAdmin = async (
  server: RunningTestServer,
  username: string,
  secret: string,
): Promise<TestAccount> => {
  const url = `${server.url}/_synapse/admin/v1/register`
  const { nonce } = (await (await fetch(url)).json()) as { nonce: string }
  const parts = [nonce, username, TEST_PASSWORD, 'admin']
  const mac = createHmac('sha1', secret).update(parts.join('\0')).digest('hex')
  const response = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ nonce, username, password: TEST_PASSWORD, admin: true, mac }),
  })
  if (!response.ok) throw new Error(`register answered ${response.status}: ${await response.text()}`)
  const session = (await response.json()) as { user_id: string; access_token: string; device_id: string }
  return { userId: session.user_id, accessToken: session.access_token, deviceId: session.device_id }
}

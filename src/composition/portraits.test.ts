import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import test, { type ExecutionContext } from 'ava'
import { eventually } from '../test-kit/eventually.ts'
import { TestBrowser } from '../test-kit/oauth.ts'
import { ScriptedProvider } from '../test-kit/openid-provider.ts'
import { pathOf } from '../test-kit/provider-world.ts'
import { startTestServer } from '../test-kit/server.ts'

const PIXEL = Buffer.from(
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==',
  'base64',
)

/** A web server with a picture, and with what is none. Answers its address, and what was asked for. */
const openGallery = async (t: ExecutionContext) => {
  const asked: string[] = []
  const gallery = createServer(({ url = '' }, response) => {
    asked.push(url)
    response.setHeader('content-type', url === '/page' ? 'text/html' : 'image/png').end(PIXEL)
  })
  await new Promise<void>(resolve => gallery.listen(0, '127.0.0.1', resolve))
  t.teardown(() => gallery.close())
  return { url: `http://127.0.0.1:${(gallery.address() as AddressInfo).port}`, asked }
}

test('a new user has the picture that the provider names, if it is one and may be visited', async t => {
  const provider = await ScriptedProvider.open(t)
  const gallery = await openGallery(t)
  const company = {
    ...{ id: 'company', name: 'The company', issuer: provider.url },
    ...{ client_id: 'tessera', client_secret: provider.clientSecret },
  }
  const server = await startTestServer({
    settings: {
      public_base_url: 'http://tessera.test',
      sign_in: { providers: [company] },
      previews: { deny_addresses: ['127.0.0.2'] },
    },
  })
  t.teardown(() => server.close())
  const arrive = async (name: string, picture: string) => {
    provider.person = { sub: name, preferred_username: name, picture }
    const browser = new TestBrowser(server.url)
    const { location } = await browser.get('/oauth2/provider/company?return=/account')
    const answer = await fetch(location ?? '', { redirect: 'manual' })
    await browser.get(pathOf(answer.headers.get('location')))
    const profile = `/_matrix/client/v3/profile/@${name}:localhost`
    return async () => (await server.request('GET', profile)).body as { avatar_url?: string }
  }
  const denied = await arrive('bob', gallery.url.replace('127.0.0.1', '127.0.0.2'))
  const page = await arrive('carol', `${gallery.url}/page`)
  const nowhere = await arrive('dave', 'javascript:alert(1)')
  const alice = await arrive('alice', `${gallery.url}/alice`)
  await eventually('the picture of alice', async () => (await alice()).avatar_url !== undefined)
  t.regex((await alice()).avatar_url ?? '', /^mxc:\/\/localhost\//)
  for (const profile of [denied, page, nowhere]) t.is((await profile()).avatar_url, undefined)
  await eventually('both requests', () => gallery.asked.length > 1)
  t.deepEqual(gallery.asked.toSorted(), ['/alice', '/page'])
})

/** What an application service is sent whose registration was not there for a while. */
import test from 'ava'
import { registrations, ScriptedAppService } from '../../test-kit/app-service.ts'
import { type Json, registration } from '../../test-kit/app-service-world.ts'
import { eventually } from '../../test-kit/eventually.ts'
import { FakeClock } from '../../test-kit/fake-clock.ts'
import { personOf, registerPerson } from '../../test-kit/person.ts'
import { startTestServer } from '../../test-kit/server.ts'
import { temporaryDirectory } from '../../test-kit/temporary-directory.ts'

const AS_TOKEN = registration('')['as_token'] as string
const DAY_MS = 24 * 60 * 60_000

for (const [title, awayMs, told] of [
  ['is told of what has come since then', DAY_MS, ['one']],
  ['misses nothing where that was a mistake', DAY_MS - 1, ['one', 'two']],
] as const)
  test(`a service whose registration was taken away and given back ${title}`, async t => {
    const service = await ScriptedAppService.start(t)
    const application_services = { directory: registrations(t, registration(service.url)) }
    const directory = temporaryDirectory(t)
    const clock = new FakeClock()
    const start = async (settings: object) => {
      const server = await startTestServer({ clock, directory, settings })
      t.teardown(server.close)
      return server
    }
    const first = await start({ application_services })
    const alice = await registerPerson(first, 'alice')
    const room = await alice.createRoom({ preset: 'public_chat' })
    await first.request('POST', `/_matrix/client/v3/join/${room}`, { token: AS_TOKEN, json: {} })
    const said = () => service.told('events').flatMap(({ content }) => (content as Json)['body'] ?? [])
    await alice.say(room, 'one')
    await service.until(() => said().length === 1)
    await first.close()
    const without = await start({})
    await personOf(without, alice).say(room, 'two')
    await without.close()
    await clock.leap(awayMs)
    const last = await start({ application_services })
    // Where it begins anew, it begins with what is said once that has been noted.
    const again = personOf(last, alice)
    await eventually('the service is told again', async () => {
      await again.say(room, 'again')
      return said().includes('again')
    })
    t.deepEqual(
      said().filter(body => body !== 'again'),
      [...told],
    )
  })

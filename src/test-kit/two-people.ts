/** Tests of what Ann and Bob do on one server. */
import type { ExecutionContext, TestFn } from 'ava'
import { sqliteServerTests } from './people.ts'
import { type Person, registerPerson } from './person.ts'
import type { RunningTestServer } from './server.ts'

interface AnnAndBob {
  readonly server: RunningTestServer
  readonly ann: Person
  readonly bob: Person
}

/** Answers what declares such tests; those of a file share the server, and the two. */
export const testsOfTwo = (
  test: TestFn,
): ((title: string, body: (t: ExecutionContext, scene: AnnAndBob) => Promise<void>) => void) => {
  const onServer = sqliteServerTests(test)
  let people: Promise<[Person, Person]> | undefined
  return (title, body) =>
    onServer(title, async (t, server) => {
      people ??= Promise.all([registerPerson(server, 'ann'), registerPerson(server, 'bob')])
      const [ann, bob] = await people
      await body(t, { server, ann, bob })
    })
}

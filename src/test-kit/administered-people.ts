import type { ExecutionContext } from 'ava'
import type { DatabaseConfig } from '../storage/open.ts'
import { startAdministered } from './administrator.ts'
import { type Person, personOf, registerPerson } from './person.ts'
import type { RunningTestServer } from './server.ts'

/** What tests read of answers. */
export type AdminBody = Record<string, unknown>

/** A server with an administrator, and two others. */
export interface AdministeredPeople {
  readonly server: RunningTestServer
  readonly root: Person
  readonly ann: Person
  readonly bob: Person
  /** Asks as the administrator, who has to be answered. */
  ask(method: string, path: string, json?: object): Promise<AdminBody>
  /** Status and error code of what the administrator is refused, such as `404 M_NOT_FOUND`. */
  code(method: string, path: string, json?: object): Promise<string>
}

/** Starts one on a database. */
export const administeredPeople = async (
  t: Pick<ExecutionContext, 'teardown'>,
  database: DatabaseConfig,
  settings: object = {},
): Promise<AdministeredPeople> => {
  const { server, root, ask } = await startAdministered({ database, settings })
  t.teardown(server.close)
  const [ann, bob] = [await registerPerson(server, 'ann'), await registerPerson(server, 'bob')]
  return {
    ...{ server, ann, bob },
    root: personOf(server, root),
    ask: async (method, path, json) => {
      const answer = await ask(method, path, json)
      if (typeof answer === 'string') throw new Error(`${method} ${path} answered ${answer}`)
      return answer
    },
    code: async (method, path, json) => {
      const answer = await ask(method, path, json)
      return typeof answer === 'string' ? answer : '200 -'
    },
  }
}

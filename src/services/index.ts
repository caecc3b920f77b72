import type { Accounts } from './accounts/index.ts'
import type { RoomServices } from './rooms/index.ts'

/** The domain, as the endpoints see it: what `server.ts` composes. */
export interface Services extends RoomServices {
  readonly accounts: Accounts
}

import type { Scenario } from '../scenario.ts'
import { measureSending, seatsInOwnRooms } from '../sending.ts'
import { median } from '../statistics.ts'

/** Every connection sends to a room of its own, as fast as the server answers. */
export const manyRooms: Scenario = {
  name: 'many-rooms',
  async run(bench) {
    const { sides, rows } = await measureSending(bench, 'sends to many rooms', target =>
      seatsInOwnRooms(target, bench.concurrency),
    )
    bench.measuredSendRate = median(sides.server.map(result => result.perSecond))
    return rows
  },
}

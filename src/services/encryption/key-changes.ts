import { MatrixError } from '../../core/errors.ts'
import type { StreamToken } from '../../core/stream-token.ts'
import { heldToken, type ImportedFrom } from '../held-token.ts'
import type { DeviceListNews, DeviceListSpans } from './device-list-span.ts'

/** Answers `/keys/changes`. */
export class KeyChanges {
  readonly #spans: DeviceListSpans
  readonly #db: ImportedFrom

  constructor(spans: DeviceListSpans, db: ImportedFrom) {
    this.#spans = spans
    this.#db = db
  }

  /**
   * Whose devices changed between two tokens of `/sync`, and with whom no room is shared any more.
   * @throws {MatrixError} `M_INVALID_PARAM`
   */
  async between(userId: string, from: string, to: string): Promise<DeviceListNews> {
    const [start, end] = [token('from', from, this.#db), token('to', to, this.#db)]
    return this.#spans.news(userId, {
      deviceLists: { after: start.device_lists ?? 0, upTo: end.device_lists ?? 0 },
      events: { after: start.events ?? 0, upTo: end.events ?? 0 },
    })
  }
}

const token = (name: string, text: string, db: ImportedFrom): StreamToken => {
  const parsed = heldToken(text, db)
  if (parsed === undefined) throw new MatrixError('M_INVALID_PARAM', `${name} is not a token of this server`)
  return parsed
}

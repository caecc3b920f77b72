import { parseJson } from '../../core/canonical-json.ts'
import { MatrixError } from '../../core/errors.ts'
import { type RoomEventFilter, roomEventFilter } from '../../core/filter.ts'
import { roomEventFilterProblem } from '../../core/filter-check.ts'
import { isJsonObject } from '../../core/json.ts'

/** The `RoomEventFilter` that a query parameter holds as JSON. Throws `M_INVALID_PARAM`. */
export const roomEventFilterOf = (text: string | undefined): RoomEventFilter => {
  if (text === undefined) return roomEventFilter(undefined)
  let value: unknown
  try {
    value = parseJson(text)
  } catch {
    value = undefined
  }
  if (!isJsonObject(value)) throw new MatrixError('M_INVALID_PARAM', 'filter must be a JSON object')
  const problem = roomEventFilterProblem(value)
  if (problem !== undefined) throw new MatrixError('M_INVALID_PARAM', `filter: ${problem}`)
  return roomEventFilter(value)
}

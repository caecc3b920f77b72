import { hash } from 'node:crypto'
import { MatrixError } from '../../core/errors.ts'
import type { SpaceRoom } from './space-rooms.ts'

/** The `children_state` of one answer, of all rooms together. */
export const MAX_CHILDREN_STATE = 10_000

/** What has to stay the same from page to page. */
export interface Tree {
  /** The room that is asked for. */
  readonly rootId: string
  readonly suggestedOnly: boolean
  readonly maxDepth: number
}

/** Where a page begins: after a room, or if that is not found any more (or not known) after so many. */
interface Start {
  readonly offset: number
  readonly after: string | undefined
}

/**
 * Takes one page out of a walk, which begins anew for each: after the room with which the page before ended. A room that is found only now,
 * as its server was late, or is not found any more, moves none of the others.
 *
 * @param from the token of the page before
 * @throws {MatrixError} `M_INVALID_PARAM`: no token, or of another tree
 */
export const pageOf = async (
  walk: AsyncIterable<SpaceRoom>,
  { from, limit, tree }: { readonly from: string | undefined; readonly limit: number; readonly tree: Tree },
): Promise<{ readonly rooms: readonly SpaceRoom[]; readonly next: string | undefined }> => {
  const start = from === undefined ? undefined : startOf(from, tree)
  const rooms: SpaceRoom[] = []
  let told = 0
  const take = (room: SpaceRoom): boolean => {
    const isFull =
      rooms.length === limit || (rooms.length > 0 && told + room.children.length > MAX_CHILDREN_STATE)
    if (isFull) return false
    rooms.push(room)
    told += room.children.length
    return true
  }
  const before: SpaceRoom[] = []
  const nextAfter = (offset: number) => ({ rooms, next: tokenOf(offset + rooms.length, rooms.at(-1), tree) })
  let isReached = start === undefined
  for await (const room of walk) {
    if (isReached) {
      if (!take(room)) return nextAfter(before.length)
    } else {
      before.push(room)
      isReached = digestOf(room) === start?.after
    }
  }
  if (!isReached) {
    const offset = start?.offset ?? 0
    for (const room of before.slice(offset)) if (!take(room)) return nextAfter(offset)
  }
  return { rooms, next: undefined }
}

/** Room IDs are long. */
const digestOf = ({ roomId }: Pick<SpaceRoom, 'roomId'>): string =>
  hash('sha256', roomId, 'base64url').slice(0, 16)

const treeOf = ({ suggestedOnly, maxDepth }: Tree): string => `${maxDepth}.${suggestedOnly ? 1 : 0}`

const tokenOf = (offset: number, last: SpaceRoom | undefined, tree: Tree): string =>
  `h${offset}.${treeOf(tree)}.${last === undefined ? '' : digestOf(last)}.${digestOf({ roomId: tree.rootId })}`

/** Older versions of this program named neither the last room nor the one that is asked for. */
const TOKEN = /^h(\d{1,6})\.(\d{1,6}\.[01])(?:\.([\w-]{16})?(?:\.([\w-]{16}))?)?$/

const startOf = (token: string, tree: Tree): Start => {
  const [, offset, of, after, root] = TOKEN.exec(token) ?? []
  if (offset === undefined) throw new MatrixError('M_INVALID_PARAM', 'from is not a token of this server')
  if (root !== undefined && root !== digestOf({ roomId: tree.rootId }))
    throw new MatrixError('M_INVALID_PARAM', 'from is a token of another room')
  if (of !== treeOf(tree))
    throw new MatrixError('M_INVALID_PARAM', 'suggested_only and max_depth cannot change from page to page')
  return { offset: Number(offset), after }
}

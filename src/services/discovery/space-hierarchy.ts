import { MatrixError } from '../../core/errors.ts'
import { type SpaceChild, serversOfChild } from '../../core/space-children.ts'
import type { Operations } from '../../spec/types.ts'
import type { RoomsContext } from '../rooms/room-writer.ts'
import { MAX_CHILDREN_STATE, pageOf } from './hierarchy-page.ts'
import type { RemoteDiscovery } from './ports.ts'
import { type Asker, mayFind, mayServerPreview, roomNotFound, userAsking } from './room-previews.ts'
import { type SpaceRoom, SpaceRooms } from './space-rooms.ts'

type HierarchyPage = Operations['getSpaceHierarchy']['response']

/** A page of a space as a user asks for it. */
export interface HierarchyRequest {
  readonly suggestedOnly: boolean
  readonly limit?: number | undefined
  readonly maxDepth?: number | undefined
  readonly from?: string | undefined
}

const DEFAULT_LIMIT = 50
const MAX_LIMIT = 100
const MAX_DEPTH = 50
/** Rooms that one walk looks at, seen or not, whatever the shape of the tree. */
const MAX_WALKED = 2_000
/** Children of one space that another server is told of. */
const MAX_CHILDREN_TOLD = 200
/** Other servers are asked for so many rooms at a time, ahead of the walk. */
const ASKED_AT_ONCE = 5
/** After so long (milliseconds) a page asks for no more rooms: what is not known by then is left out of it. */
const ASKING_MS = 15_000

/** Walks the rooms of spaces, as far as somebody may see what they are (module "Spaces"). */
export class SpaceHierarchy {
  readonly #context: RoomsContext
  readonly #rooms: SpaceRooms
  readonly #asking: (userId: string) => Asker

  constructor(parts: {
    context: RoomsContext
    remote: Pick<RemoteDiscovery, 'hierarchy'>
    /** How users stand to rooms; by default as they do. */
    asking?: (userId: string) => Asker
  }) {
    this.#context = parts.context
    this.#asking = parts.asking ?? (userId => userAsking(parts.context.read, userId))
    this.#rooms = new SpaceRooms(parts)
  }

  /**
   * A page of the tree below a room, depth first, each room once. The walk begins anew for each page, over what this
   * server knows and what others said a moment ago.
   *
   * Throws `M_FORBIDDEN` if the user may not see the room, `M_INVALID_PARAM` (token, limits).
   */
  async page(userId: string, roomId: string, request: HierarchyRequest): Promise<HierarchyPage> {
    const { suggestedOnly } = request
    const limit = Math.min(positive('limit', request.limit ?? DEFAULT_LIMIT, 1), MAX_LIMIT)
    const maxDepth = Math.min(positive('max_depth', request.maxDepth ?? MAX_DEPTH, 0), MAX_DEPTH)
    const over = this.#context.clock.now() + ASKING_MS
    const mayAsk = (): boolean => this.#context.clock.now() < over
    const tree = { rootId: roomId, suggestedOnly, maxDepth }
    const walk = new Walk(this.#rooms, this.#asking(userId), { ...tree, mayAsk })
    const { rooms, next } = await pageOf(walk.from(roomId), { from: request.from, limit, tree })
    return {
      rooms: rooms.map(({ summary, children }) => ({ ...summary, children_state: children })),
      ...(next === undefined ? {} : { next_batch: next }),
    }
  }

  /**
   * A room and, if it is a space, the rooms in it, for another server (server-server API, "Spaces"). Throws
   * `M_NOT_FOUND`, also where that server may not know.
   */
  async forServer(origin: string, roomId: string, suggestedOnly: boolean) {
    const { read } = this.#context
    const room = await this.#rooms.here(roomId, suggestedOnly)
    if (room === undefined || !(await mayServerPreview(read, origin, room))) throw roomNotFound()
    const children: HierarchyPage['rooms'][number][] = []
    const inaccessible: string[] = []
    let told = room.children.length
    for (const { state_key: childId } of room.children.slice(0, MAX_CHILDREN_TOLD)) {
      const child = await this.#rooms.here(childId, suggestedOnly)
      if (child === undefined) continue
      if (!(await mayServerPreview(read, origin, child))) inaccessible.push(childId)
      else if (told + child.children.length <= MAX_CHILDREN_STATE) {
        children.push({ ...child.summary, children_state: child.children })
        told += child.children.length
      }
    }
    return {
      room: { ...room.summary, children_state: room.children },
      children,
      inaccessible_children: inaccessible,
    }
  }
}

/** Where a room was found: in which space, and by which servers. */
interface Found {
  readonly roomId: string
  readonly via: readonly string[]
  readonly parentToldBy: string | undefined
}

interface Step extends Found {
  readonly depth: number
}

const foundIn = ({ toldBy }: SpaceRoom, child: SpaceChild): Found => ({
  roomId: child.state_key,
  via: serversOfChild(child),
  parentToldBy: toldBy,
})

interface WalkOptions {
  readonly suggestedOnly: boolean
  readonly maxDepth: number
  /** Whether there is time left to ask other servers. */
  readonly mayAsk: () => boolean
}

/** One walk through the tree, for one who asks. */
class Walk {
  readonly #rooms: SpaceRooms
  readonly #asker: Asker
  readonly #options: WalkOptions
  readonly #loading = new Map<string, Promise<SpaceRoom | undefined>>()
  #isOver = false

  constructor(rooms: SpaceRooms, asker: Asker, options: WalkOptions) {
    this.#rooms = rooms
    this.#asker = asker
    this.#options = options
  }

  async *from(rootId: string): AsyncGenerator<SpaceRoom> {
    const { maxDepth } = this.#options
    /** At which depth each room was met, the least so far. */
    const visited = new Map<string, number>()
    /** Something was too deep: what is met again further up is gone into once more, for the sake of what is below. */
    let isCut = false
    const stack: Step[] = [{ roomId: rootId, via: [], parentToldBy: undefined, depth: 0 }]
    try {
      for (
        let step = stack.pop(), walked = 0;
        step !== undefined && walked < MAX_WALKED;
        step = stack.pop()
      ) {
        const before = visited.get(step.roomId)
        if (before !== undefined && (before <= step.depth || !isCut)) continue
        visited.set(step.roomId, step.depth)
        walked += 1
        const room = await this.#load(step)
        if (room === undefined || !(await mayFind(this.#asker, room.roomId, room.summary))) {
          if (step.roomId === rootId) throw new MatrixError('M_FORBIDDEN', 'You may not see this room')
          continue
        }
        if (before === undefined) yield room
        const depth = step.depth + 1
        if (depth > maxDepth) {
          isCut ||= room.children.length > 0
          continue
        }
        const next = room.children.filter(({ state_key: roomId }) => {
          const met = visited.get(roomId)
          return met === undefined || (isCut && met > depth)
        })
        this.#loadAhead(room, next)
        for (const child of next.toReversed()) {
          stack.push({ ...foundIn(room, child), depth })
        }
      }
    } finally {
      this.#isOver = true
    }
  }

  #load({ roomId, ...found }: Found): Promise<SpaceRoom | undefined> {
    const known = this.#loading.get(roomId)
    if (known !== undefined) return known
    const loading = this.#rooms
      .here(roomId, this.#options.suggestedOnly)
      .then(here => here ?? this.#rooms.elsewhere(roomId, found, this.#options))
    this.#loading.set(roomId, loading)
    return loading
  }

  /** Asks for what comes next while the walk is still at what came before: one answer may take seconds. */
  #loadAhead(space: SpaceRoom, children: readonly SpaceChild[]): void {
    const waiting = children.slice(0, MAX_LIMIT)
    const work = async (): Promise<void> => {
      for (let child = waiting.shift(); child !== undefined && !this.#isOver; child = waiting.shift()) {
        await this.#load(foundIn(space, child)).catch(() => undefined)
      }
    }
    for (let worker = 0; worker < ASKED_AT_ONCE; worker++) void work()
  }
}

const positive = (name: string, value: number, least: number): number => {
  if (value < least) throw new MatrixError('M_INVALID_PARAM', `${name} must be at least ${least}`)
  return value
}

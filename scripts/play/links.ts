import { once } from 'node:events'
import { readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { connect, createServer, type Socket } from 'node:net'

/** An end of the net. */
export interface Place {
  readonly name: string
  readonly host: string
  /** The port of its name, where the others look for it. */
  readonly namedPort: number
  /** Where it listens itself. */
  readonly tlsPort: number
  /** Undefined while it is down. */
  readonly pid: number | undefined
}

const silently = <T>(work: () => T, otherwise: T): T => {
  try {
    return work()
  } catch {
    return otherwise
  }
}

/** The names of the sockets that have this port at their own end, as Linux lists them. */
const socketsAt = (port: number): ReadonlySet<string> => {
  const suffix = `:${port.toString(16).toUpperCase().padStart(4, '0')}`
  const found = new Set<string>()
  for (const file of ['/proc/net/tcp', '/proc/net/tcp6'])
    for (const line of readFileSync(file, 'utf8').split('\n').slice(1)) {
      const [, local, , , , , , , , inode] = line.trim().split(/\s+/)
      if (local?.endsWith(suffix)) found.add(`socket:[${inode}]`)
    }
  return found
}

const owns = (pid: number, sockets: ReadonlySet<string>): boolean =>
  silently(() => readdirSync(`/proc/${pid}/fd`), []).some(file =>
    sockets.has(silently(() => readlinkSync(`/proc/${pid}/fd/${file}`), '')),
  )

/**
 * The net between servers of this machine, whose links can be cut one way: whose connection it is that comes in is seen by which
 * process has its other end (`/proc`, so: Linux).
 */
export class Links {
  readonly #places: Place[] = []
  readonly #cut = new Set<string>()
  readonly #open = new Map<string, Set<Socket>>()

  /** Listens at the place of a name for whom that leads to. */
  async carry(place: Place): Promise<void> {
    this.#places.push(place)
    const server = createServer(near => this.#connect(near, place))
    server.listen(place.namedPort, place.host === 'localhost' ? '127.0.0.1' : place.host).unref()
    await once(server, 'listening')
  }

  /** Breaks what one has open to the other, and refuses what it opens, until `heal`. */
  cut(from: Place, to: Place): void {
    const link = `${from.name}>${to.name}`
    this.#cut.add(link)
    for (const socket of this.#open.get(link) ?? []) socket.destroy()
  }

  heal(): void {
    this.#cut.clear()
  }

  get isCut(): boolean {
    return this.#cut.size > 0
  }

  #connect(near: Socket, to: Place): void {
    near.on('error', () => near.destroy())
    const sockets = near.remotePort === undefined ? new Set<string>() : socketsAt(near.remotePort)
    const from = this.#places.find(({ pid }) => pid !== undefined && owns(pid, sockets))
    const link = `${from?.name}>${to.name}`
    if (this.#cut.has(link)) {
      near.destroy()
      return
    }
    const open = this.#open.get(link) ?? new Set<Socket>()
    this.#open.set(link, open.add(near))
    const far = connect(to.tlsPort, '127.0.0.1')
    far.on('error', () => far.destroy()).once('close', () => near.destroy())
    near.once('close', () => {
      open.delete(near)
      far.destroy()
    })
    near.pipe(far).pipe(near)
  }
}

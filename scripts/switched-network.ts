import { connect, createServer, type Socket } from 'node:net'

/** The net between servers of this machine, that can be taken away. */
export interface SwitchedNetwork {
  /** Takes connections on one port and passes them on to another. */
  carry(from: number, to: number): Promise<void>
  /** While it is down, connections break, and new ones are refused at once. */
  isDown: boolean
  close(): void
}

/** A net that is up. */
export const switchedNetwork = (): SwitchedNetwork => {
  const sockets = new Set<Socket>()
  const closers: (() => void)[] = []
  let isDown = false
  const keep = (socket: Socket): void => {
    sockets.add(socket)
    socket.once('close', () => sockets.delete(socket))
    // Whoever has the other end hears of it by the end of the connection.
    socket.on('error', () => socket.destroy())
  }
  const breakAll = (): void => {
    for (const socket of sockets) socket.destroy()
  }
  return {
    carry: (from, to) => {
      const { promise, resolve, reject } = Promise.withResolvers<void>()
      const server = createServer(near => {
        keep(near)
        if (isDown) {
          near.destroy()
          return
        }
        const far = connect(to, '127.0.0.1')
        keep(far)
        near.pipe(far).pipe(near)
        near.once('close', () => far.destroy())
        far.once('close', () => near.destroy())
      })
      server.once('error', reject).listen(from, '127.0.0.1', resolve)
      closers.push(() => server.close())
      return promise
    },
    get isDown() {
      return isDown
    },
    set isDown(value) {
      isDown = value
      if (isDown) breakAll()
    },
    close: () => {
      for (const close of closers) close()
      breakAll()
    },
  }
}

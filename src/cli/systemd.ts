import type { Host } from './host.ts'

/** Tells the service manager how far the server is; does nothing where there is none. */
export interface Notifier {
  /** Ends the start: what waits for this server may go on. */
  ready(): Promise<void>
  stopping(): Promise<void>
  /** Stops asking for time. */
  end(): void
}

const EXTENSION_SECONDS = 60
const REMINDER_MS = 20_000

/**
 * Speaks sd_notify(3) through `systemd-notify`, since Node has no datagram sockets of that kind; the unit needs
 * `NotifyAccess=all`. Until `ready`, it asks for more time now and then: migrations of big databases take long.
 */
export const createNotifier = (host: Host): Notifier => {
  if (!host.env['NOTIFY_SOCKET']) {
    const nothing = async () => undefined
    return { ready: nothing, stopping: nothing, end: () => undefined }
  }
  const notify = (...args: string[]) => host.run('systemd-notify', args)
  const patience = setInterval(
    () => void notify(`EXTEND_TIMEOUT_USEC=${EXTENSION_SECONDS * 1_000_000}`),
    REMINDER_MS,
  ).unref()
  return {
    ready: () => {
      clearInterval(patience)
      return notify('--ready')
    },
    stopping: () => notify('STOPPING=1'),
    end: () => clearInterval(patience),
  }
}

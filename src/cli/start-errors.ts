import { readingFailure } from '../config/layer.ts'
import { OperatorError } from '../config/operator-error.ts'
import { DatabaseTooNew, DatabaseUnavailable } from '../storage/database.ts'

interface SystemError extends Error {
  readonly code: string
  readonly syscall?: string
  readonly address?: string
  readonly port?: number
  /** What was looked up in the DNS. */
  readonly hostname?: string
  /** The file that it is about. */
  readonly path?: string
}

const isSystemError = (error: unknown): error is SystemError =>
  error instanceof Error && 'code' in error && typeof error.code === 'string'

const listeningOnSocket = (path: string, code: string): string => {
  if (code === 'EADDRINUSE') return `Cannot listen: another program listens on ${path}, or it is no socket.`
  if (code === 'ENOENT') return `Cannot listen: the directory of ${path} is not there.`
  return `Cannot listen on ${path} (${code}): make its directory one that this program may write to.`
}

const listening = (error: SystemError): string | undefined => {
  if (error.address?.startsWith('/')) return listeningOnSocket(error.address, error.code)
  const place = `port ${error.port ?? '?'} of ${error.address ?? 'this machine'}`
  if (error.code === 'EADDRINUSE') {
    return `Cannot listen: ${place} is taken by another program; stop that, or choose another port with --port.`
  }
  if (error.code === 'EACCES') {
    return `Cannot listen: ${place} is reserved for the system; choose one above 1023, or allow it (AmbientCapabilities=CAP_NET_BIND_SERVICE in systemd).`
  }
  if (error.code === 'EADDRNOTAVAIL' || error.code === 'ENOTFOUND' || error.code === 'EINVAL') {
    return `Cannot listen: no network interface of this machine has the address ${error.address ?? error.hostname ?? ''}; correct the host of the listener.`
  }
  return undefined
}

const ON_DISK: Readonly<Record<string, string>> = {
  ENOSPC: 'the disk is full',
  EROFS: 'the file system is read-only',
  EMFILE: 'too many files are open (raise LimitNOFILE)',
}

/** What is wrong with a file or directory that somebody has named. */
const IN_FILES: ReadonlySet<string> = new Set([
  ...['ENOENT', 'EACCES', 'EPERM', 'EISDIR', 'ENOTDIR'],
  ...Object.keys(ON_DISK),
])

const sentence = (text: string): string =>
  `${text.charAt(0).toUpperCase()}${text.slice(1)}${/[.!?]$/.test(text) ? '' : '.'}`

/** One sentence on why the server did not start; `undefined` for what is a fault of the program. */
export const startFailure = (error: unknown): string | undefined => {
  if (error instanceof OperatorError) return error.message
  if (error instanceof DatabaseTooNew || error instanceof DatabaseUnavailable) return sentence(error.message)
  if (!isSystemError(error)) return undefined
  if (error.syscall === 'listen' || error.syscall === 'getaddrinfo' || error.syscall === 'bind')
    return listening(error)
  if (/^ERR_(OSSL|SSL|TLS)/.test(error.code)) {
    return `The certificate or key of a listener cannot be used: ${error.message}.`
  }
  const reason = ON_DISK[error.code]
  if (error.path !== undefined && IN_FILES.has(error.code))
    return `${error.path} cannot be used: ${reason ?? readingFailure(error)}.`
  return reason === undefined ? undefined : sentence(reason)
}

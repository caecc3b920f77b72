import { readdirSync, readFileSync } from 'node:fs'

/** The processes by which a PostgreSQL on this machine serves a database: it names them after what they serve. */
export const backendsOf = (url: string | undefined): number[] => {
  if (url === undefined || !url.startsWith('postgres')) return []
  const name = decodeURIComponent(new URL(url).pathname.slice(1))
  return readdirSync('/proc').flatMap(pid =>
    /^\d+$/.test(pid) && isBackend(commandOf(pid), name) ? Number(pid) : [],
  )
}

const isBackend = (command: string, name: string): boolean =>
  command.startsWith('postgres: ') && command.split(' ')[2] === name

const commandOf = (pid: string): string => {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ')
  } catch {
    return ''
  }
}

import { readdirSync, readFileSync } from 'node:fs'

/** What a server's processes have used so far. */
export interface Usage {
  /** Resident memory, bytes, summed over the processes. */
  residentBytes: number
  /** CPU time, seconds, user and system, all threads. */
  cpuSeconds: number
}

/** Linux reports process times in hundredths of a second on every architecture that Node runs on. */
const ticksPerSecond = 100

/**
 * Reads /proc for some processes and all their descendants (a server may be a shell, a master and workers).
 * @returns undefined where there is nothing to read: no pid given, not on Linux, or the process is gone
 */
export function processUsage(pids: readonly number[]): Usage | undefined {
  let found = false
  const sum: Usage = { residentBytes: 0, cpuSeconds: 0 }
  for (const pid of withDescendants(pids)) {
    const stat = statFields(pid)
    const status = read(`/proc/${pid}/status`)
    if (stat === undefined || status === undefined) continue
    found = true
    sum.residentBytes += Number(/^VmRSS:\s+(\d+) kB/m.exec(status)?.[1] ?? 0) * 1024
    // Fields 14 and 15 of proc(5), counted from the state (field 3).
    sum.cpuSeconds += (Number(stat[11]) + Number(stat[12])) / ticksPerSecond
  }
  return found ? sum : undefined
}

function withDescendants(roots: readonly number[]): Set<number> {
  const all = new Set(roots)
  if (roots.length === 0) return all
  const parents = new Map<number, number>()
  for (const name of listProc()) {
    const parent = statFields(Number(name))?.[1]
    if (parent !== undefined) parents.set(Number(name), Number(parent))
  }
  // A child's id may be smaller than its parent's after wrap-around: repeat until nothing is added.
  for (let before = -1; before !== all.size; ) {
    before = all.size
    for (const [pid, parent] of parents) if (all.has(parent)) all.add(pid)
  }
  return all
}

/** The fields after the command name, which may itself contain spaces and parentheses. */
function statFields(pid: number): string[] | undefined {
  const text = read(`/proc/${pid}/stat`)
  return text?.slice(text.lastIndexOf(')') + 2).split(' ')
}

function listProc(): string[] {
  try {
    return readdirSync('/proc').filter(name => /^\d+$/.test(name))
  } catch {
    return []
  }
}

function read(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return undefined
  }
}

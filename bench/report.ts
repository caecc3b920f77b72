import { cpus, loadavg } from 'node:os'
import type { Row } from './scenario.ts'
import { ratio } from './statistics.ts'

/** Where a run took place. */
export interface Machine {
  cpu: string
  cores: number
  platform: string
  node: string
  loadBefore: number
}

/** Everything that a run found, as `--json` writes it. */
export interface Report {
  server: string
  /** ISO 8601. */
  date: string
  /** `loadBefore` is the load average of a minute: what neighbours were doing when the run began. */
  machine: Machine
  settings: Record<string, number | undefined>
  rows: (Row & { ratio: number | undefined })[]
  notes: string[]
}

/** To be called before the run, for its load. */
export function machine(): Machine {
  return {
    cpu: cpus()[0]?.model.trim() ?? 'unknown',
    cores: cpus().length,
    platform: `${process.platform} ${process.arch}`,
    node: process.version,
    loadBefore: Number((loadavg()[0] ?? 0).toFixed(2)),
  }
}

/** Puts a report together; the ratio of each row is server by echo. */
export function report(
  server: string,
  where: Machine,
  settings: Report['settings'],
  rows: readonly Row[],
  notes: readonly string[],
): Report {
  return {
    server,
    date: new Date().toISOString(),
    machine: where,
    settings,
    rows: rows.map(row => ({ ...row, ratio: ratio(row.server, row.echo) })),
    notes: [...notes],
  }
}

/** The report as a Markdown table with its circumstances and remarks. */
export function markdown(result: Report): string {
  const { cpu, cores, node, loadBefore } = result.machine
  const settings = Object.entries(result.settings).filter(([, value]) => value !== undefined)
  const lines = [
    `${result.server} beside a bare node:http echo, ${result.date.slice(0, 10)}, ${cores} × ${cpu}, Node ${node}, load average before ${loadBefore}`,
    `(${settings.map(([name, value]) => `${name} ${value}`).join(', ')})`,
    '',
    '| Measure | Unit | Server | Echo | Ratio |',
    '|---|---|---:|---:|---:|',
    ...result.rows.map(
      row =>
        `| ${row.measure} | ${row.unit} | ${figure(row.server)} | ${figure(row.echo)} | ${figure(row.ratio)} |`,
    ),
  ]
  if (result.notes.length > 0) lines.push('', ...result.notes.map(note => `- ${note}`))
  return `${lines.join('\n')}\n`
}

/** Three significant digits, whole numbers from 100 on; a dash for what is not known. */
function figure(value: number | undefined): string {
  if (value === undefined) return '–'
  return Math.abs(value) >= 100 ? value.toFixed(0) : String(Number(value.toPrecision(3)))
}

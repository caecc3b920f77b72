import { parseArgs } from 'node:util'
import type { RegistrationWay } from './registration.ts'

export const usage = `npm run bench -- [options]
  --url URL                 the server to load; without it Tessera is started on a temporary data directory
  --database URL            where Tessera keeps its data; 'postgres', also with --synapse: in a PostgreSQL of its own, whose commits reach the disk
  --workers N (1)           so many processes of Tessera; more than one need a PostgreSQL database
  --synapse                 start a Synapse of our own and load that
  --spawn COMMAND           start the server at --url by this shell command, and stop it at the end
  --pid PID[,PID…]          its processes (with descendants), for CPU and memory, when --spawn is not used
  --open | --registration-token T | --shared-secret S      how accounts are made (default: --open)
  --scenario NAME[,NAME…]   default: all
  --seconds N (5)           length of one measured interval
  --rounds N (3)            how often server and echo take turns
  --concurrency N (64)      connections that send
  --listeners N (100)       waiting clients while latency is measured
  --fan-out N (1)           listeners per room while latency is measured
  --rate N                  sends per second while latency is measured (default: half of what the server can)
  --rooms N (200)           rooms of the initial sync; ten times as many of the incremental one
  --members N (20000)       members of the room that is joined
  --waiting N (1000)        waiting clients while memory is measured, or all are woken
  --name NAME               what to call the server in the table
  --json FILE               also write everything as JSON
`

const options = {
  url: { type: 'string' },
  database: { type: 'string' },
  workers: { type: 'string', default: '1' },
  synapse: { type: 'boolean', default: false },
  spawn: { type: 'string' },
  pid: { type: 'string' },
  open: { type: 'boolean', default: false },
  'registration-token': { type: 'string' },
  'shared-secret': { type: 'string' },
  scenario: { type: 'string' },
  seconds: { type: 'string', default: '5' },
  rounds: { type: 'string', default: '3' },
  concurrency: { type: 'string', default: '64' },
  listeners: { type: 'string', default: '100' },
  'fan-out': { type: 'string', default: '1' },
  rate: { type: 'string' },
  rooms: { type: 'string', default: '200' },
  members: { type: 'string', default: '20000' },
  waiting: { type: 'string', default: '1000' },
  name: { type: 'string' },
  json: { type: 'string' },
  help: { type: 'boolean', default: false },
} as const

/** The command line, with numbers as numbers. */
export type Arguments = ReturnType<typeof readArguments>

/** @throws Error with a sentence for the user when an option is unknown or not a positive number */
export function readArguments(argv: readonly string[]) {
  const { values } = parseArgs({ args: [...argv], options })
  const number = (name: string, text: string) => {
    const value = Number(text)
    if (!(value > 0)) throw new Error(`--${name} must be a positive number, not ${text}`)
    return value
  }
  const registration: RegistrationWay =
    values['shared-secret'] !== undefined
      ? { kind: 'shared-secret', secret: values['shared-secret'] }
      : values['registration-token'] !== undefined
        ? { kind: 'token', token: values['registration-token'] }
        : { kind: 'open' }
  return {
    help: values.help,
    url: values.url?.replace(/\/+$/, ''),
    database: values.database,
    workers: number('workers', values.workers),
    synapse: values.synapse,
    spawn: values.spawn,
    pids: (values.pid ?? '')
      .split(',')
      .filter(Boolean)
      .map(pid => number('pid', pid)),
    registration,
    scenarios: values.scenario?.split(','),
    name: values.name,
    json: values.json,
    settings: {
      seconds: number('seconds', values.seconds),
      rounds: number('rounds', values.rounds),
      concurrency: number('concurrency', values.concurrency),
      listeners: number('listeners', values.listeners),
      fanOut: number('fan-out', values['fan-out']),
      rooms: number('rooms', values.rooms),
      members: number('members', values.members),
      waiting: number('waiting', values.waiting),
      rate: values.rate === undefined ? undefined : number('rate', values.rate),
    },
  }
}

import { Command, CommanderError } from 'commander'
import type { ConfigFlags } from '../config/load.ts'
import { OperatorError } from '../config/operator-error.ts'
import { programVersion } from '../config/version.ts'
import { addAccounts } from './account-commands.ts'
import type { Action } from './action.ts'
import { addMedia, addRooms } from './content-commands.ts'
import { addDataMoves } from './data-commands.ts'
import { EXIT, type Host, say } from './host.ts'

/** The flags of a command line, those of the program and of the command together. */
interface Flags {
  readonly config?: string
  readonly data?: string
  readonly serverName?: string
  readonly host?: string
  readonly port?: string
  readonly set?: readonly string[]
  /** Of `serve`. */
  readonly workers?: string
}

const configFlags = (command: Command): ConfigFlags => {
  const { workers, ...flags } = command.optsWithGlobals<Flags>()
  const { config, data, serverName, host, port } = flags
  const set = workers === undefined ? flags.set : [...(flags.set ?? []), `workers=${workers}`]
  const given = Object.entries({ config, data, serverName, host, port, set })
  return Object.fromEntries(given.filter(([, value]) => value !== undefined))
}

const collect = (value: string, previous: readonly string[] = []): readonly string[] => [...previous, value]

/**
 * The command line. Every command is loaded when it is called, so that `--help` and `--version` answer at once.
 *
 * @param done Gets the exit code of the command that ran.
 */
const createProgram = (host: Host, done: (code: number) => void): Command => {
  const program = new Command('tessera')
    .description('A Matrix homeserver. Without a command it starts the server.')
    .version(`tessera ${programVersion()}`, '--version', 'print the version')
    .helpOption('-h, --help', 'print this help')
    .option('-c, --config <file>', 'the settings file')
    .option('--data <directory>', 'the data directory')
    .option('--server-name <name>', 'the name of the server, for its first start')
    .option('--host <address>', 'listen on this address')
    .option('--port <number>', 'listen on this port')
    .option('--set <option=value>', 'set any option, such as logging.level=debug; may be repeated', collect)
    .configureHelp({ showGlobalOptions: true })
    .configureOutput({ writeOut: text => host.stdout.write(text), writeErr: text => host.stderr.write(text) })
    .exitOverride()
  const action: Action =
    <A extends readonly unknown[]>(run: (flags: ConfigFlags, ...args: A) => Promise<number>) =>
    async (...args: unknown[]): Promise<void> => {
      const command = args.at(-1) as Command
      done(await run(configFlags(command), ...(args.slice(0, -1) as unknown as A)))
    }

  program
    .command('serve', { isDefault: true })
    .alias('start')
    .description('start the server')
    .option('--workers <number>', 'serve with so many processes, over PostgreSQL')
    // What is no command is taken for an argument of this one.
    .allowExcessArguments()
    .action(async (_options: object, command: Command) => {
      const [unknown] = command.args
      done(
        unknown === undefined
          ? await (await import('./serve.ts')).serve(host, configFlags(command))
          : await refuseCommand(host, program, unknown),
      )
    })
  program
    .command('init')
    .description('prepare a new server: settings file, signing key')
    .action(action(async flags => (await import('./init.ts')).init(host, flags)))
  program
    .command('version')
    .description('print the versions of the program and of Node.js')
    .action(() => {
      host.stdout.write(`tessera ${programVersion()}\nnode ${process.version}\n`)
      done(EXIT.ok)
    })
  addDoctor(program, host, action)
  addConfig(program, host, action)
  addKeys(program, host, action)
  addAccounts(program, host, action)
  addNotices(program, host, action)
  addMedia(program, host, action)
  addRooms(program, host, action)
  addDataMoves(program, host, action)
  addDebug(program, host, done)
  return program
}

/** Says that there is no such command, and which was meant. */
const refuseCommand = async (host: Host, program: Command, name: string): Promise<number> => {
  const { didYouMean } = await import('../config/did-you-mean.ts')
  const meant = didYouMean(
    name,
    program.commands.map(command => command.name()),
  )
  const hint = meant === undefined ? 'tessera --help lists all' : `did you mean ${meant}?`
  say(host, `There is no command ${name}; ${hint}`)
  return EXIT.failed
}

const addDoctor = (program: Command, host: Host, action: Action): void => {
  program
    .command('doctor')
    .description('find out whether this server, or another one, is set up right and can be reached')
    .argument('[server]', 'the name of another server')
    .option('--json', 'print the findings as JSON')
    .option('--patience <duration>', 'how long to wait for each answer', '10s')
    .option(
      '--after-restore',
      'set encryption right on a database put back from a backup, before the server is started',
    )
    .action(
      action(
        async (
          flags,
          server: string | undefined,
          options: { json?: boolean; afterRestore?: boolean; patience: string },
        ) => {
          if (options.afterRestore === true) {
            const { afterRestore } = await import('./doctor/after-restore.ts')
            return afterRestore(host, flags)
          }
          const { doctor } = await import('./doctor/doctor.ts')
          return doctor(host, flags, {
            json: options.json === true,
            patience: options.patience,
            ...(server === undefined ? {} : { server }),
          })
        },
      ),
    )
}

const addConfig = (program: Command, host: Host, action: Action): void => {
  program
    .command('config')
    .description('the settings')
    .command('check')
    .description('say whether the settings are right')
    .option('--print', 'print the settings in effect, secrets masked')
    .action(
      action(async (flags, options: { print?: boolean }) => {
        const { configCheck } = await import('./config-check.ts')
        return configCheck(host, flags, { print: options.print === true })
      }),
    )
}

const addKeys = (program: Command, host: Host, action: Action): void => {
  const keys = program.command('keys').description('the signing key')
  keys
    .command('generate')
    .description('make a signing key where there is none')
    .option('--output <file>', 'write it there')
    .action(
      action(async (flags, options: { output?: string }) =>
        (await import('./keys.ts')).keysGenerate(host, flags, options),
      ),
    )
  keys
    .command('show')
    .description('print the ID and the public half of the signing key')
    .action(action(async flags => (await import('./keys.ts')).keysShow(host, flags)))
}

const addNotices = (program: Command, host: Host, action: Action): void => {
  const notice = program.command('notice').description('messages of this server to its users')
  notice
    .command('send <user> <text>')
    .description('write to one user')
    .action(
      action(async (flags, user: string, text: string) =>
        (await import('./notices.ts')).noticeSend(host, flags, { user, text }),
      ),
    )
  notice
    .command('send-all <text>')
    .description('write to everybody who has an account here')
    .action(
      action(async (flags, text: string) => (await import('./notices.ts')).noticeSend(host, flags, { text })),
    )
}

const addDebug = (program: Command, host: Host, done: (code: number) => void): void => {
  program
    .command('debug')
    .description('for those who look into what happened')
    .command('resolve <file>')
    .description('replay state resolutions that were logged')
    .action(async (file: string) => done((await import('./debug-resolve.ts')).debugResolve(host, file)))
}

/** Runs a command line (without `node` and the program's own path). Answers the exit code. */
export const runProgram = async (host: Host, argv: readonly string[]): Promise<number> => {
  let code: number = EXIT.ok
  const program = createProgram(host, answer => {
    code = answer
  })
  try {
    await program.parseAsync([...argv], { from: 'user' })
    return code
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.ok : EXIT.failed
    if (!(error instanceof OperatorError)) throw error
    say(host, error.message)
    return EXIT.failed
  }
}

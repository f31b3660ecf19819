import { readFileSync } from 'node:fs'
import { ServiceError } from '../../collect/service.ts'
import { Refusal } from '../../core/errors.ts'
import { UsageError, didYouMean, exitCodes } from './command.ts'
import type { Command, Terminal } from './command.ts'
import { agentCommand } from './agent.ts'
import { apiCommand } from './api.ts'
import { backfillCommand } from './backfill.ts'
import { balanceCommand } from './balance.ts'
import { completenessCommand } from './completeness.ts'
import { correctCommand } from './correct.ts'
import { creditsCommand } from './credits.ts'
import { discrepanciesCommand } from './discrepancies.ts'
import { importCommand } from './import.ts'
import { invoiceCommand } from './invoice.ts'
import { ipCommand } from './ip.ts'
import { ownershipCommand } from './ownership.ts'
import { metersCommand } from './meters.ts'
import { pricesCommand } from './prices.ts'
import { quarantineCommand } from './quarantine.ts'
import { rateCommand } from './rate.ts'
import { serveCommand } from './serve.ts'
import { sessionsCommand } from './sessions.ts'
import { subscriptionsCommand } from './subscriptions.ts'
import { usageCommand } from './usage.ts'

/** The words of the command line, in the order of the flow. A new command is one more line here. */
const commands: readonly Command[] = [
  serveCommand,
  importCommand,
  agentCommand,
  balanceCommand,
  quarantineCommand,
  completenessCommand,
  discrepanciesCommand,
  correctCommand,
  backfillCommand,
  ownershipCommand,
  metersCommand,
  pricesCommand,
  subscriptionsCommand,
  rateCommand,
  creditsCommand,
  usageCommand,
  sessionsCommand,
  ipCommand,
  invoiceCommand,
  apiCommand,
]

function overview(known: readonly Command[]): string {
  const width = Math.max(...known.map(({ name }) => name.length))
  const list = known.map(({ name, summary }) => `  ${name.padEnd(width)}  ${summary}`).join('\n')
  return `Usage: crossfoot COMMAND …

Turns network traffic into invoices that nobody disputes.

Commands:
${list}

crossfoot COMMAND --help explains a command; --version tells the version.
Exit codes: 0 ok, 1 failed, 2 called in a way that it does not know.
`
}

function version(): string {
  const manifest = readFileSync(new URL('../../../package.json', import.meta.url), 'utf8')
  return (JSON.parse(manifest) as { readonly version: string }).version
}

function isUsageError(error: unknown): error is Error {
  const code = (error as NodeJS.ErrnoException).code
  return error instanceof UsageError || (typeof code === 'string' && code.startsWith('ERR_PARSE_ARGS_'))
}

/** Says what went wrong and gives the exit code. Only what nobody expected shows where it happened. */
function reportError(error: unknown, command: Command, terminal: Terminal): number {
  if (isUsageError(error)) {
    const { message } = error
    terminal.stderr.write(`crossfoot ${command.name}: ${message}\nSee crossfoot ${command.name} --help\n`)
    return exitCodes.usage
  }
  const isExpected = error instanceof ServiceError || error instanceof Refusal
  const systemCode = (error as NodeJS.ErrnoException).syscall
  const text =
    isExpected || systemCode !== undefined ? (error as Error).message : ((error as Error).stack ?? String(error))
  terminal.stderr.write(`crossfoot ${command.name}: ${text}\n`)
  return exitCodes.failed
}

function asksForHelp(argv: readonly string[]): boolean {
  const end = argv.indexOf('--')
  return argv.some((word, index) => (word === '--help' || word === '-h') && (end < 0 || index < end))
}

async function runCommand(command: Command, argv: readonly string[], terminal: Terminal): Promise<number> {
  if (asksForHelp(argv)) {
    terminal.stdout.write(command.help)
    return exitCodes.ok
  }
  try {
    return await command.run(argv, terminal)
  } catch (error) {
    return reportError(error, command, terminal)
  }
}

/** Runs one command line and gives its exit code. */
export async function dispatch(
  argv: readonly string[],
  terminal: Terminal,
  known: readonly Command[] = commands,
): Promise<number> {
  const [word, ...rest] = argv
  if (word === undefined) {
    terminal.stderr.write(overview(known))
    return exitCodes.usage
  }
  if (word === '--version') {
    terminal.stdout.write(`crossfoot ${version()}\n`)
    return exitCodes.ok
  }
  const wantsHelp = word === '--help' || word === '-h' || word === 'help'
  if (wantsHelp && rest.length === 0) {
    terminal.stdout.write(overview(known))
    return exitCodes.ok
  }
  const name = wantsHelp ? (rest[0] ?? '') : word
  const command = known.find((command) => command.name === name)
  if (command === undefined) {
    const names = known.map((command) => command.name)
    terminal.stderr.write(`crossfoot: there is no command "${name}".${didYouMean(name, names)}\n\n${overview(known)}`)
    return exitCodes.usage
  }
  return runCommand(command, wantsHelp ? ['--help'] : rest, terminal)
}

function ownTerminal(): Terminal {
  // Whoever reads the output may stop early, as `head` does. That is no error.
  process.stdout.on('error', (error: NodeJS.ErrnoException) => process.exit(error.code === 'EPIPE' ? 0 : 1))
  return {
    stdout: process.stdout,
    stderr: process.stderr,
    isTTY: process.stderr.isTTY,
    columns: process.stderr.columns ?? 80,
    env: process.env,
  }
}

if (import.meta.main) process.exitCode = await dispatch(process.argv.slice(2), ownTerminal())

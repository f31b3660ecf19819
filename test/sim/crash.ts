import { parseArgs } from 'node:util'
import { seedOfRun } from '../support/dice.ts'
import { runCampaign } from '../support/campaign-run.ts'
import { powerCutsImpossible } from '../support/power-loss.ts'

const help = `Usage: npm run crash -- [--rounds N] [--seed S] [--power-cuts] [--json]

Sends events from several producers through a network that drops, delays, repeats and cuts, to a real service that is
killed at random moments, with its Postgres or without. After each round the producers' own ledger has to equal usage,
to the event and the byte, and everything received has to be accounted for.

  --rounds N     how many rounds (20)
  --seed S       what is done follows from this number (CROSSFOOT_SEED, or a new one)
  --power-cuts   the data lies on a disk whose power is cut in most rounds: what was not synced is gone.
                 Needs Linux, root, loop devices, mkfs.ext4 and perl
  --json         the result as JSON

Exit codes: 0 everything held, 1 it did not, 2 called in a way that it does not know.
`

interface Wanted {
  readonly rounds: number
  readonly seed: number
  readonly powerCuts: boolean
  readonly json: boolean
}

function readWhole(name: string, text: string): number {
  const number = /^\d{1,9}$/.test(text) ? Number(text) : 0
  if (name === 'rounds' && number === 0) throw new TypeError('--rounds is a whole number above zero')
  if (String(number) !== text) throw new TypeError(`--${name} is a whole number of at most nine digits`)
  return number
}

function readArguments(argv: readonly string[]): Wanted | 'help' {
  const { values } = parseArgs({
    args: [...argv],
    options: {
      rounds: { type: 'string', default: '20' },
      seed: { type: 'string', default: String(seedOfRun()) },
      'power-cuts': { type: 'boolean', default: false },
      json: { type: 'boolean', default: false },
      help: { type: 'boolean', short: 'h', default: false },
    },
  })
  if (values.help) return 'help'
  return {
    rounds: readWhole('rounds', values.rounds),
    seed: readWhole('seed', values.seed),
    powerCuts: values['power-cuts'],
    json: values.json,
  }
}

async function campaign({ rounds, seed, powerCuts, json }: Wanted): Promise<number> {
  const impossible = powerCuts ? await powerCutsImpossible() : ''
  if (impossible !== '') {
    process.stderr.write(`crash: the power of a disk cannot be cut here${impossible}\n`)
    return 1
  }
  const started = performance.now()
  const seconds = (): string => ((performance.now() - started) / 1_000).toFixed(0)
  const progress = (round: number, what: string): void => {
    if (process.stderr.isTTY || round % 10 === 0 || round === rounds)
      process.stderr.write(`round ${round} of ${rounds}, seed ${seed}, ${seconds()} s: ${what}\n`)
  }
  try {
    const result = await runCampaign({ rounds, seed, powerCuts, progress })
    const whole = { ok: true, seed, powerCuts, seconds: Number(seconds()), ...result }
    process.stdout.write(json ? `${JSON.stringify(whole)}\n` : `everything held: ${JSON.stringify(whole, null, 2)}\n`)
    return 0
  } catch (error) {
    const { message, cause } = error as Error
    const again = `npm run crash -- --rounds ${rounds} --seed ${seed}${powerCuts ? ' --power-cuts' : ''}`
    if (json) process.stdout.write(`${JSON.stringify({ ok: false, seed, powerCuts, message })}\n`)
    process.stderr.write(`crash: ${message}\n${(cause as Error | undefined)?.stack ?? ''}\nagain: ${again}\n`)
    return 1
  }
}

async function main(): Promise<number> {
  let wanted: Wanted | 'help'
  try {
    wanted = readArguments(process.argv.slice(2))
  } catch (error) {
    process.stderr.write(`crash: ${(error as Error).message}\nSee npm run crash -- --help\n`)
    return 2
  }
  if (wanted !== 'help') return campaign(wanted)
  process.stdout.write(help)
  return 0
}

process.exitCode = await main()

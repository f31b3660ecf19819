import { readFileSync } from 'node:fs'
import { text } from 'node:stream/consumers'
import { parseArgs } from 'node:util'
import { Refusal } from '../../core/errors.ts'
import { parseRateRequest, rate } from '../../price/calculator/rate.ts'
import { openClient, serviceOptions } from './client.ts'
import { UsageError, exitCodes, jsonText } from './command.ts'
import type { Command } from './command.ts'
import { problemsText } from './prices-text.ts'
import { rateText } from './rate-text.ts'
import type { PrintedAnswer } from './rate-text.ts'

const help = `Usage: crossfoot rate FILE [--json] [--offline]
       crossfoot rate FILE --url URL [--key KEY] [--json]

What usage would cost, and why. FILE is the body of POST /v1/rate as JSON; - reads it from the standard input. It is rated in
this process, by the code of the service: no service is needed, and none is asked unless --url names one.
docs/data/prices.md explains every price model, with an example to run.

  --json       the API's answer as it is
  --offline    in this process, which is the default; with it, --url is refused
  --url URL    ask the service there instead, which may be of another version
  --key KEY    its API key (default CROSSFOOT_KEY, then the development key in CROSSFOOT_DATA or ./data)

Example:
  echo '{ "currency": "USD", "price": { "model": { "kind": "per_unit", "unit_amount": "0.10" } }, "quantity": "12.4" }' | crossfoot rate -
`

const options = { ...serviceOptions, json: { type: 'boolean' }, offline: { type: 'boolean' } } as const

/** The standard input is called by what it is in messages. */
const nameOf = (file: string): string => (file === '-' ? 'the standard input' : file)

async function readBody(file: string): Promise<unknown> {
  const content = file === '-' ? await text(process.stdin) : readFileSync(file, 'utf8')
  try {
    return JSON.parse(content)
  } catch (error) {
    throw new Refusal('REQUEST_INVALID', `${nameOf(file)} is not JSON: ${(error as Error).message}`)
  }
}

function rateHere(file: string, body: unknown): PrintedAnswer {
  const parsed = parseRateRequest(body)
  if (parsed.ok) return rate(parsed.value)
  throw new Refusal('REQUEST_INVALID', problemsText(nameOf(file), parsed.error), { problems: parsed.error })
}

/** The calculator on the command line. */
export const rateCommand: Command = {
  name: 'rate',
  summary: 'what usage would cost, and why, from a file; no service is needed',
  help,
  async run(argv, terminal) {
    const { values, positionals } = parseArgs({ args: [...argv], options, allowPositionals: true })
    const [file, ...more] = positionals
    if (file === undefined || file === '')
      throw new UsageError('the name of a file is needed, or - for the standard input')
    if (more.length > 0) throw new UsageError(`one file is rated, and "${more[0]}" is another`)
    if (values.offline === true && values.url !== undefined) throw new UsageError('--offline asks no service at --url')
    const body = await readBody(file)
    const answer =
      values.url === undefined
        ? rateHere(file, body)
        : ((await openClient(values, terminal).postJson('/v1/rate', body)) as PrintedAnswer)
    const { currency } = body as { readonly currency: string }
    terminal.stdout.write(values.json === true ? jsonText(answer) : rateText(answer, currency))
    return exitCodes.ok
  },
}

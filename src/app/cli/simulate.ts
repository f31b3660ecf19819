import { createWriteStream, rmSync, renameSync, writeFileSync } from 'node:fs'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { Readable } from 'node:stream'
import { parseArgs } from 'node:util'
import { ServiceError, bodyOf } from '../../collect/service.ts'
import type { Service } from '../../collect/service.ts'
import { Refusal } from '../../core/errors.ts'
import type { Problem } from '../../core/errors.ts'
import type { AccountDocument, SimulationDocument } from '../../price/simulation/simulation.ts'
import { simulationPage, simulationSvg } from '../page/simulation.ts'
import type { SimulationAbout } from '../page/simulation.ts'
import { findService, serviceOptions } from './client.ts'
import { UsageError, exitCodes, jsonText } from './command.ts'
import type { Terminal } from './command.ts'
import { ProgressLine, formatDuration } from './import-progress.ts'
import { problemsText } from './prices-text.ts'
import { csvHead, csvRow, simulationText } from './simulate-text.ts'

const options = {
  ...serviceOptions,
  month: { type: 'string', multiple: true },
  'as-stated': { type: 'boolean' },
  assign: { type: 'string', multiple: true },
  plan: { type: 'string', multiple: true },
  named: { type: 'string' },
  csv: { type: 'string' },
  picture: { type: 'string' },
  json: { type: 'boolean' },
} as const

function parse(argv: readonly string[]) {
  return parseArgs({ args: [...argv], options, allowPositionals: true })
}

type Values = ReturnType<typeof parse>['values']

/** One line of the service's answer. */
type SimulationRecord =
  | ({ readonly type: 'simulation' } & SimulationAbout)
  | ({ readonly type: 'account' } & AccountDocument)
  | { readonly type: 'not_priced'; readonly account: string; readonly reason: string }
  | { readonly type: 'progress'; readonly done: number; readonly of: number }
  | ({ readonly type: 'summary' } & SimulationDocument)

function pairs(assign: readonly string[]): Readonly<Record<string, string>> {
  return Object.fromEntries(
    assign.map((pair) => {
      const [from = '', to = '', ...more] = pair.split('=')
      if (from === '' || to === '' || more.length > 0) throw new UsageError(`--assign is FROM=TO, not "${pair}"`)
      return [from, to]
    }),
  )
}

function bodyFor(values: Values, book: unknown): object {
  const { month: months = [], assign, plan: plans, named = '10' } = values
  if (months.length === 0) throw new UsageError('say which month: --month 2026-10')
  if (book === undefined && assign === undefined)
    throw new UsageError('say what is different: a price book as a file, or --assign FROM=TO')
  if (!/^\d{1,3}$/.test(named)) throw new UsageError(`--named is a number, not "${named}"`)
  return {
    months,
    ...(book === undefined ? {} : { book }),
    ...(assign === undefined ? {} : { assign: pairs(assign) }),
    ...(plans === undefined ? {} : { plans }),
    takes_effect: values['as-stated'] === true ? 'as_stated' : 'from_the_start',
    rows: values.csv === undefined ? 'none' : 'all',
    named: Number(named),
  }
}

function checkPicture({ picture }: Values): void {
  if (picture !== undefined && !/\.(svg|html)$/.test(picture))
    throw new UsageError(`--picture is a file that ends in .svg or .html, not "${picture}"`)
}

interface Asked {
  readonly service: Service
  readonly body: object
  readonly file: string
  readonly signal: AbortSignal
}

async function open({ service, body, file, signal }: Asked): Promise<Readable> {
  const authorization = service.key === undefined ? {} : { authorization: `Bearer ${service.key}` }
  const headers = { 'content-type': 'application/json', ...authorization }
  let response: Response
  try {
    response = await fetch(`${service.url}/v1/prices/simulate`, {
      method: 'POST',
      headers,
      body: JSON.stringify(body),
      redirect: 'manual',
      signal,
    })
  } catch (error) {
    if (signal.aborted) throw error
    const cause = ((error as Error).cause ?? error) as NodeJS.ErrnoException
    bodyOf(service, { kind: 'no-answer', refused: cause.code === 'ECONNREFUSED', reason: cause.message })
    throw error
  }
  if (response.ok && response.body !== null) return Readable.fromWeb(response.body)
  const said = (await response.json().catch(() => undefined)) as
    | { error?: { problems?: readonly Problem[] } }
    | undefined
  const problems = said?.error?.problems ?? []
  if (problems.length > 0) throw new Refusal('REQUEST_INVALID', problemsText(file, problems), { problems })
  bodyOf(service, { kind: 'answer', status: response.ok ? 500 : response.status, body: said, retryAfterMs: undefined })
  throw new ServiceError('ANSWER_UNCLEAR', `${service.url} answered ${response.status}`, response.status)
}

/** A file that has its name when it is whole; until then, and when it broke off, there is none. */
class WholeFile {
  readonly #name: string
  readonly #part: string
  readonly #stream: ReturnType<typeof createWriteStream>

  constructor(name: string) {
    this.#name = name
    this.#part = `${name}.part`
    this.#stream = createWriteStream(this.#part)
    // The next write or the end tells it.
    this.#stream.on('error', () => undefined)
  }

  async write(text: string): Promise<void> {
    if (!this.#stream.write(text)) await once(this.#stream, 'drain')
  }

  async finish(): Promise<void> {
    this.#stream.end()
    await once(this.#stream, 'close')
    if (this.#stream.errored !== null) throw this.#stream.errored
    renameSync(this.#part, this.#name)
  }

  discard(): void {
    this.#stream.destroy()
    rmSync(this.#part, { force: true })
  }
}

interface Received {
  readonly about: SimulationAbout
  readonly summary: SimulationDocument
}

interface Receiving {
  readonly progress: ProgressLine
  readonly csv: WholeFile | null
  readonly url: string
}

/** Takes records as they come; an answer without a summary broke off. */
async function receive(answer: Readable, { progress, csv, url }: Receiving): Promise<Received> {
  const began = performance.now()
  let about: SimulationAbout | null = null
  let summary: SimulationDocument | null = null
  for await (const line of createInterface({ input: answer })) {
    const record = JSON.parse(line) as SimulationRecord
    if (record.type === 'simulation') about = record
    else if (record.type === 'summary') summary = record
    else if (record.type === 'account') await csv?.write(csvRow(record))
    else if (record.type === 'progress') {
      const now = performance.now()
      const { done, of } = record
      const left = done === 0 ? '' : `, ${formatDuration(((now - began) * (of - done)) / done)} left`
      progress.show(`simulating: ${done} of ${of} accounts${left}`, now)
    }
  }
  progress.clear()
  if (about === null || summary === null)
    throw new ServiceError('NO_ANSWER', `the answer of ${url} broke off before its summary; nothing of it counts`)
  return { about, summary }
}

function tell({ about, summary }: Received, values: Values, terminal: Terminal): void {
  const { picture, json } = values
  if (picture !== undefined)
    writeFileSync(
      picture,
      picture.endsWith('.svg') ? simulationSvg({ about, summary }) : simulationPage({ about, summary }),
    )
  const { type: _, ...told } = { type: '', ...about }
  terminal.stdout.write(json === true ? jsonText({ simulation: told, ...summary }) : simulationText(summary))
}

/** Reads a price book from a file, as the other commands about prices do. */
export type ReadDocument = (file: string) => Promise<unknown>

/** `crossfoot prices simulate`. */
export async function simulatePrices(
  argv: readonly string[],
  terminal: Terminal,
  readDocument: ReadDocument,
): Promise<number> {
  const { values, positionals } = parse(argv)
  const [file, ...more] = positionals
  if (more.length > 0) throw new UsageError('there is one file at most')
  checkPicture(values)
  const body = bodyFor(values, file === undefined ? undefined : await readDocument(file))
  const canceller = new AbortController()
  const cancel = (): void => canceller.abort()
  const progress = new ProgressLine(terminal, performance.now())
  const csv = values.csv === undefined ? null : new WholeFile(values.csv)
  process.once('SIGINT', cancel).once('SIGTERM', cancel)
  try {
    await csv?.write(csvHead)
    const service = findService(values, terminal)
    const answer = await open({ service, body, file: file ?? 'the request', signal: canceller.signal })
    const received = await receive(answer, { progress, csv, url: service.url })
    await csv?.finish()
    tell(received, values, terminal)
    return exitCodes.ok
  } catch (error) {
    csv?.discard()
    progress.clear()
    if (!canceller.signal.aborted) throw error
    terminal.stderr.write('cancelled; nothing was written\n')
    return exitCodes.failed
  } finally {
    process.off('SIGINT', cancel).off('SIGTERM', cancel)
  }
}

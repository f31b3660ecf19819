import type { FastifyReply } from 'fastify'
import { Readable } from 'node:stream'
import { setImmediate } from 'node:timers/promises'
import type { Database } from '../../account/database.ts'
import { Refusal } from '../../core/errors.ts'
import { loadAllContractFacts } from '../../price/contract/contract-table.ts'
import { accountDocument } from '../../price/simulation/simulation.ts'
import type { AccountOutcome } from '../../price/simulation/simulation.ts'
import type { InvoiceDesk } from '../../invoice/desk.ts'
import type { Service } from '../service.ts'
import { simulate } from '../simulation.ts'
import type { SimulationPorts, SimulationStep } from '../simulation.ts'
import { requireOperator } from './access.ts'
import { limits as books } from './prices.ts'
import type { Server } from './routes.ts'
import { changedJson, readSimulation, simulationBody } from './simulation-request.ts'
import type { SimulationBody } from './simulation-request.ts'

export const limits = {
  /** Simulations under way at once in this process: each takes a core. */
  simulationsMax: 1,
  retryAfterSeconds: 15,
  /** A receiver that takes nothing for so long is hung up on. */
  idleMillis: 300_000,
} as const

/** The simulation that is under way, and a way to end it. */
class Room {
  readonly #running = new Set<AbortController>()

  enter(): AbortController {
    if (this.#running.size >= limits.simulationsMax)
      throw new Refusal('TOO_MANY_REQUESTS', 'a simulation is under way; ask again when it is over, or cancel it', {
        retryAfterSeconds: limits.retryAfterSeconds,
      })
    const controller = new AbortController()
    this.#running.add(controller)
    return controller
  }

  leave(controller: AbortController): void {
    this.#running.delete(controller)
  }

  endAll(): void {
    for (const controller of this.#running) controller.abort(new Error('the service is stopping'))
  }
}

/** The place is given back when the work has ended, however it does. */
async function* inRoom(
  room: Room,
  controller: AbortController,
  steps: AsyncGenerator<SimulationStep>,
): AsyncGenerator<SimulationStep> {
  try {
    yield* steps
  } finally {
    room.leave(controller)
  }
}

async function countBillable(database: Database): Promise<number> {
  const { rows } = await database.query<{ count: string }>('select count(*)::text as count from account where billable')
  return Number(rows[0]?.count ?? 0)
}

function isWanted(rows: SimulationBody['rows'], { change }: AccountOutcome): boolean {
  return rows === 'all' || (rows === 'changed' && change !== 0n)
}

interface Telling {
  readonly rows: SimulationBody['rows']
  readonly total: number
  /** What the first record says. */
  readonly begin: object
}

/** The records of a step, one JSON object per line. */
function recordsOf(step: SimulationStep, { rows }: Telling): readonly object[] {
  if (step.kind === 'finished') return [{ type: 'summary', ...step.summary }]
  const told = step.outcomes.filter((outcome) => isWanted(rows, outcome))
  return [
    ...told.map((outcome) => ({ type: 'account', ...accountDocument(outcome) })),
    ...(rows === 'none' ? [] : step.notPriced.map((one) => ({ type: 'not_priced', ...one }))),
  ]
}

/** What was done is told at every hundredth of all; the last record is the summary: without it the answer broke off. */
async function* linesOf(steps: AsyncIterable<SimulationStep>, telling: Telling): AsyncGenerator<Buffer> {
  const { total, begin } = telling
  const bytes = (records: readonly object[]): Buffer =>
    Buffer.from(records.map((record) => `${JSON.stringify(record)}\n`).join(''))
  yield bytes([begin])
  let told = 0
  for await (const step of steps) {
    const records = [...recordsOf(step, telling)]
    const of = Math.max(total, step.done)
    if ((step.done - told) * 100 >= of && step.done > told) {
      told = step.done
      records.push({ type: 'progress', done: step.done, of })
    }
    if (records.length > 0) yield bytes(records)
  }
}

/** Begins before anything is sent, so that a refusal has its status; whoever hangs up ends the work. */
async function sendSteps(
  reply: FastifyReply,
  steps: AsyncGenerator<SimulationStep>,
  { controller, telling }: { readonly controller: AbortController; readonly telling: Telling },
): Promise<FastifyReply> {
  // Nobody may have begun to read: then the generator is ended from here.
  reply.raw.once('close', () => {
    controller.abort(new Error('whoever asked has hung up'))
    steps.return(undefined).catch(() => undefined)
  })
  const first = await steps.next()
  async function* all(): AsyncGenerator<SimulationStep> {
    if (first.done !== true) yield first.value
    yield* steps
  }
  const body = Readable.from(linesOf(all(), telling), { objectMode: false, highWaterMark: 1 })
  reply.raw.once('close', () => body.destroy())
  reply.raw.setTimeout(limits.idleMillis, () => body.destroy(new Error('the receiver takes nothing')))
  return reply.header('content-type', 'application/x-ndjson; charset=utf-8').send(body)
}

const about =
  'Rates past months of all accounts under a changed price book, on their usage as it is stored, beside the price book as it is. ' +
  'Keeps nothing. The answer is one JSON object per line, as it is computed: `simulation` (what is simulated), `account` and ' +
  '`not_priced` for each account, `progress`, and at the end `summary`; an answer without a summary broke off. Hanging up ends the work. ' +
  'Amounts are decimals of the account’s currency; `net` is after coupons and before taxes. Credits are left out.'

/** POST /v1/prices/simulate: who would pay more, who less, and what it comes to. */
export function addSimulationRoutes(server: Server, service: Service, desk: InvoiceDesk): void {
  const { database, engine, world } = service
  const room = new Room()
  server.addHook('preClose', async () => room.endAll())
  server.post(
    '/v1/prices/simulate',
    {
      config: { scope: 'billing:read' },
      bodyLimit: books.bookBytesMax,
      schema: {
        summary: 'What a changed price book would do to all accounts',
        description: about,
        body: simulationBody,
      },
    },
    async (request, reply) => {
      requireOperator(request)
      const { question, changed } = await readSimulation(service, request.body)
      const below = await desk.countedBelow()
      const begin = {
        type: 'simulation',
        months: question.months,
        takes_effect: request.body.takes_effect,
        changed: changed.map(changedJson),
        assign: Object.fromEntries(question.assign),
        counted_below: below,
      }
      const telling = { rows: request.body.rows, total: await countBillable(database), begin }
      const ports: SimulationPorts = {
        engine,
        findMeter: desk.findMeter,
        below,
        until: world.now(),
        facts: () => loadAllContractFacts(database),
        breathe: () => setImmediate(),
      }
      const controller = room.enter()
      const steps = inRoom(room, controller, simulate(ports, question, controller.signal))
      return sendSteps(reply, steps, { controller, telling })
    },
  )
}

import { diceFor, pick, shuffled } from './dice.ts'
import type { Dice } from './dice.ts'
import type { Fault } from './proxy.ts'

/** One kind of producer: what it is, and how it sends. */
export interface ProducerShape {
  readonly source: string
  readonly numbered: boolean
  readonly form: 'ndjson' | 'array' | 'one'
  readonly gzip: boolean
  readonly batchMax: number
  /** Batches under way at once; more than one means that later ones overtake earlier ones. */
  readonly lanes: number
  /** How old its events are at most. */
  readonly daysMax: number
}

export const producerShapes: readonly ProducerShape[] = [
  { source: 'edge-1', numbered: true, form: 'ndjson', gzip: false, batchMax: 60, lanes: 1, daysMax: 120 },
  { source: 'edge-2', numbered: true, form: 'ndjson', gzip: true, batchMax: 250, lanes: 3, daysMax: 1_100 },
  { source: 'app-1', numbered: false, form: 'array', gzip: false, batchMax: 40, lanes: 2, daysMax: 34 },
  { source: 'app-2', numbered: false, form: 'ndjson', gzip: true, batchMax: 5, lanes: 3, daysMax: 34 },
  { source: 'cron', numbered: false, form: 'one', gzip: false, batchMax: 1, lanes: 1, daysMax: 2 },
  { source: 'import', numbered: true, form: 'ndjson', gzip: true, batchMax: 1_500, lanes: 1, daysMax: 1_500 },
]

/** What hits the service under load. */
export type Blow =
  /** kill -9 of the service; its Postgres stays behind. */
  | { readonly kind: 'kill' }
  /** kill -9 so many milliseconds after a large batch over several years was acknowledged: the store is at work on it. */
  | { readonly kind: 'kill while projecting'; readonly afterMillis: number }
  /** kill -9 of the postmaster; the service has to end by itself and say so. */
  | { readonly kind: 'kill postgres' }
  /** kill -9 of one process below the postmaster; Postgres repairs itself, and the service goes on. */
  | { readonly kind: 'kill backend'; readonly which: number }
  | { readonly kind: 'stop' }
  /** Everything that was not synced is gone. */
  | { readonly kind: 'power cut' }

export interface RoundPlan {
  readonly seed: number
  readonly number: number
  readonly accounts: readonly string[]
  /** The blow falls after so many answers, and so many milliseconds. */
  readonly afterAnswers: number
  readonly afterMillis: number
  readonly blow: Blow
  /** Starts that end like the blow before the one that may finish, each after so many milliseconds. */
  readonly startKills: readonly number[]
  /** What the network does to each producer's requests, again and again. */
  readonly faults: ReadonlyMap<string, readonly Fault[]>
}

const faultKinds: readonly Fault['kind'][] = [
  ...Array<'pass'>(8).fill('pass'),
  'delay',
  'delay',
  'drop',
  'cut body',
  'cut body',
  'cut answer',
  'cut answer',
  'cut answer',
  'repeat',
  'repeat',
  'at once',
  'at once',
  'late',
]

function planFault(dice: Dice): Fault {
  const kind = pick(dice, faultKinds)
  switch (kind) {
    case 'delay':
      return { kind, millis: 1 + dice(60) }
    case 'cut body':
      return { kind, permille: dice(1_000) }
    case 'cut answer':
      return { kind, permille: dice(2) === 0 ? 0 : dice(1_000) }
    case 'at once':
      return { kind, heard: dice(2) === 0 ? 0 : 1 }
    case 'pass':
    case 'drop':
    case 'repeat':
    case 'late':
      return { kind }
  }
}

const blowKinds: readonly Blow['kind'][] = [
  'kill',
  'kill',
  'kill',
  'kill while projecting',
  'kill while projecting',
  'kill postgres',
  'kill backend',
  'stop',
]

/** Every kind comes as often as it is listed, in an order of its own in each run of so many rounds. */
function blowKindOf(seed: number, number: number): Blow['kind'] {
  const run = Math.floor(number / blowKinds.length)
  return shuffled(diceFor(seed, run, 'blows'), blowKinds)[number % blowKinds.length] ?? 'kill'
}

function planBlow(kind: Blow['kind'], dice: Dice): Blow {
  switch (kind) {
    case 'kill while projecting':
      return { kind, afterMillis: dice(120) }
    case 'kill backend':
      return { kind, which: dice(1_000) }
    case 'kill':
    case 'kill postgres':
    case 'stop':
    case 'power cut':
      return { kind }
  }
}

/** Accounts of a round: more than one, and fewer than producers. */
const accountsOfRound = 3
const faultsOfProducer = 40

/** Everything that will be done in a round: a pure function of the seed. What meets what is left to the moment. */
export function planRound(seed: number, number: number, powerCuts: boolean): RoundPlan {
  const dice = diceFor(seed, number, 'round')
  return {
    seed,
    number,
    accounts: Array.from({ length: accountsOfRound }, (_, index) => `round-${number}-${index}`),
    afterAnswers: 1 + dice(40),
    afterMillis: dice(160),
    blow: planBlow(powerCuts ? 'power cut' : blowKindOf(seed, number), dice),
    startKills: dice(5) === 0 ? Array.from({ length: dice(3) === 0 ? 2 : 1 }, () => dice(1_000)) : [],
    faults: new Map(
      [...producerShapes.map(({ source }) => source), 'clerk'].map((source) => {
        const own = diceFor(seed, number, 'faults', source)
        return [source, Array.from({ length: faultsOfProducer }, () => planFault(own))]
      }),
    ),
  }
}

/** What a person needs to know of a round that failed. */
export function describeRound({ seed, number, blow, afterAnswers, afterMillis, startKills }: RoundPlan): string {
  const starts = startKills.length === 0 ? '' : `, starts killed after ${startKills.join(' and ')} ms`
  return `round ${number} of seed ${seed}: ${JSON.stringify(blow)} after ${afterAnswers} answers and ${afterMillis} ms${starts}`
}

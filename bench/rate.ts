/**
 * `node bench/rate.ts [ROUNDS] [--json]`: lines rated per second on one core, by model and for an invoice of 12 lines,
 * with and without a trace, each beside a plain floating-point loop that does the same arithmetic in the same run (aim:
 * at most 10 times slower); memory of kept lines; and the core of a simulation: every account rated under two price
 * books. Quantities are read before the clock starts, on both sides. Rounds are interleaved; figures are medians.
 */
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { divide, exact, one } from '../src/core/exact.ts'
import type { Exact } from '../src/core/exact.ts'
import { rateLine, wholePeriod } from '../src/price/rate/line.ts'
import type { Price } from '../src/price/price.ts'
import { rateLines } from '../src/price/rate/rate-lines.ts'
import type { PricedPart } from '../src/price/rate/rate-lines.ts'
import { dice, drawUsage, floatRating, invoiceCase, modelCases, partOf, pricesOf, raisedCase } from './rate-cases.ts'
import type { Case, DrawnUsage } from './rate-cases.ts'

const rounds = Number(process.argv.find((argument) => /^\d+$/.test(argument)) ?? 9)
const linesPerRound = 24_000
const accounts = 100_000
const accountsAtOnce = 1_000

setFlagsFromString('--expose-gc')
const collectGarbage = runInNewContext('gc') as () => void

type Traced = 'traced' | 'not traced'

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0
}

interface Invoice {
  readonly usages: readonly DrawnUsage[]
}

/** A way to rate invoices: how many lines it made, and what they cost together, so that nothing is optimized away. */
type Rating = (invoices: readonly Invoice[]) => { readonly lines: number; readonly cents: number }

function single(price: Price, traced: Traced): Rating {
  const context = { ...wholePeriod('USD'), traced: traced === 'traced' }
  return (invoices) => {
    let cents = 0n
    for (const { usages } of invoices) {
      const [usage] = usages
      if (usage !== undefined) cents += rateLine(price, usage.exact, context).amount
    }
    return { lines: invoices.length, cents: Number(cents) }
  }
}

function partsOf(prices: readonly Price[], usages: readonly DrawnUsage[], share: Exact): readonly PricedPart[] {
  const parts: PricedPart[] = []
  for (const [index, price] of prices.entries()) {
    const usage = usages[index]
    if (usage !== undefined) parts.push(partOf(price, usage.exact, share))
  }
  return parts
}

function several(prices: readonly Price[], traced: Traced, share: Exact = one): Rating {
  return (invoices) => {
    let [cents, lines] = [0n, 0]
    for (const { usages } of invoices) {
      const parts = partsOf(prices, usages, share)
      for (const { line } of rateLines(parts, { currency: 'USD', traced: traced === 'traced' })) {
        cents += line.amount
        lines += 1
      }
    }
    return { lines, cents: Number(cents) }
  }
}

function floats(of: Case, share = 1): Rating {
  const rate = floatRating(of, share)
  return (invoices) => {
    let [cents, lines] = [0, 0]
    for (const { usages } of invoices)
      for (const { amount } of rate(usages)) {
        cents += amount
        lines += 1
      }
    return { lines, cents }
  }
}

/** What each way needs for a line, in nanoseconds: medians of rounds that take turns, after one that warms up. */
function nanosPerLine(ratings: readonly Rating[], invoices: readonly Invoice[]): readonly number[] {
  const figures = ratings.map((): number[] => [])
  for (let round = 0; round <= rounds; round += 1) {
    ratings.forEach((rating, index) => {
      const from = performance.now()
      const { lines } = rating(invoices)
      if (round > 0) figures[index]?.push(((performance.now() - from) * 1e6) / lines)
    })
  }
  return figures.map(median)
}

function drawInvoices(of: Case, count: number): readonly Invoice[] {
  const random = dice(7)
  return Array.from({ length: count }, () => ({ usages: of.prices.map(() => drawUsage(of, random)) }))
}

/** Both sides rate the same: their totals differ by what floating point loses, and by no more. */
function checkSame(exactly: Rating, roughly: Rating, invoices: readonly Invoice[]): void {
  const [ours, theirs] = [exactly(invoices), roughly(invoices)]
  if (Math.abs(ours.cents - theirs.cents) > ours.lines + Math.abs(ours.cents) * 1e-9)
    throw new Error(`not the same arithmetic: ${ours.cents} and ${theirs.cents} cents`)
}

interface Figure {
  readonly name: string
  readonly linesPerSecond: number
  readonly floatsPerSecond: number
  readonly tracedPerSecond: number | null
  /** How many times slower than floating point. */
  readonly factor: number
}

function figureOf(name: string, ratings: readonly Rating[], invoices: readonly Invoice[]): Figure {
  const [ours = 0, theirs = 0, traced] = nanosPerLine(ratings, invoices)
  return {
    name,
    linesPerSecond: 1e9 / ours,
    floatsPerSecond: 1e9 / theirs,
    tracedPerSecond: traced === undefined ? null : 1e9 / traced,
    factor: ours / theirs,
  }
}

function measure(of: Case): Figure | null {
  const prices = pricesOf(of)
  if (prices === null) return null
  const [price] = prices
  const isSingle = prices.length === 1 && price !== undefined
  const rating = (traced: Traced): Rating => (isSingle ? single(price, traced) : several(prices, traced))
  const invoices = drawInvoices(of, Math.ceil(linesPerRound / (of.prices.length * (of.partsPerLine ?? 1))))
  const ways = [rating('not traced'), floats(of), rating('traced')]
  checkSame(rating('not traced'), floats(of), invoices)
  return figureOf(of.name, ways, invoices)
}

/** After a change in the middle of the month nothing is a plain decimal any more: 15 days of 31. */
function measureShare(of: Case): Figure | null {
  const prices = pricesOf(of)
  if (prices === null) return null
  const invoices = drawInvoices(of, Math.ceil(linesPerRound / of.prices.length))
  const share = divide(exact(15n), exact(31n))
  const ways = [several(prices, 'not traced', share), floats(of, 15 / 31), several(prices, 'traced', share)]
  checkSame(several(prices, 'not traced', share), floats(of, 15 / 31), invoices)
  return figureOf(`${of.name}, of 15 days of 31`, ways, invoices)
}

/** Bytes of a kept line, as a million of them would be in megabytes. */
function megabytesPerMillion(make: (usages: readonly DrawnUsage[]) => readonly unknown[], of: Case): number {
  const invoices = drawInvoices(of, 10_000)
  collectGarbage()
  const before = process.memoryUsage().heapUsed
  const kept = invoices.flatMap(({ usages }) => make(usages))
  collectGarbage()
  const bytes = process.memoryUsage().heapUsed - before
  return bytes / kept.length
}

interface Memory {
  readonly linesMegabytesPerMillion: number
  readonly tracedMegabytesPerMillion: number
  readonly floatsMegabytesPerMillion: number
}

function measureMemory(of: Case, prices: readonly Price[]): Memory {
  const make =
    (traced: Traced) =>
    (usages: readonly DrawnUsage[]): readonly unknown[] => {
      const parts = partsOf(prices, usages, one)
      return rateLines(parts, { currency: 'USD', traced: traced === 'traced' }).map(({ line }) => line)
    }
  return {
    linesMegabytesPerMillion: megabytesPerMillion(make('not traced'), of),
    tracedMegabytesPerMillion: megabytesPerMillion(make('traced'), of),
    floatsMegabytesPerMillion: megabytesPerMillion(floatRating(of), of),
  }
}

interface Simulation {
  readonly accounts: number
  readonly lines: number
  readonly seconds: number
  readonly floatSeconds: number
  readonly factor: number
}

/** All accounts under the old and the new book; drawing what they used is not counted. */
function simulate(old: Case, changed: Case): Simulation | null {
  const [before, after] = [pricesOf(old), pricesOf(changed)]
  if (before === null || after === null) return null
  const ours = [several(before, 'not traced'), several(after, 'not traced')]
  const theirs = [floats(old), floats(changed)]
  const random = dice(11)
  let [seconds, floatSeconds, lines] = [0, 0, 0]
  const timed = (ratings: readonly Rating[], invoices: readonly Invoice[]): number => {
    const from = performance.now()
    for (const rating of ratings) lines += rating(invoices).lines
    return (performance.now() - from) / 1_000
  }
  for (let account = 0; account < accounts; account += accountsAtOnce) {
    const invoices = Array.from({ length: accountsAtOnce }, () => ({
      usages: old.prices.map(() => drawUsage(old, random)),
    }))
    seconds += timed(ours, invoices)
    floatSeconds += timed(theirs, invoices)
  }
  return { accounts, lines: lines / 2, seconds, floatSeconds, factor: seconds / floatSeconds }
}

const thousands = (figure: number): string => `${Math.round(figure / 1000).toLocaleString('en')}k`

function printTable(figures: readonly Figure[]): void {
  const row = (cells: readonly string[]): string =>
    cells.map((cell, index) => (index === 0 ? cell.padEnd(42) : cell.padStart(12))).join(' ')
  const lines = [row(['lines per second, one core', 'exact', 'floats', 'slower', 'with trace'])]
  for (const { name, linesPerSecond, floatsPerSecond, factor, tracedPerSecond } of figures)
    lines.push(
      row([
        name,
        thousands(linesPerSecond),
        thousands(floatsPerSecond),
        `${factor.toFixed(1)} ×`,
        tracedPerSecond === null ? '' : thousands(tracedPerSecond),
      ]),
    )
  process.stdout.write(`${lines.join('\n')}\n`)
}

function printRest(memory: Memory, simulation: Simulation | null, missing: readonly string[]): void {
  const {
    linesMegabytesPerMillion: ours,
    floatsMegabytesPerMillion: theirs,
    tracedMegabytesPerMillion: traced,
  } = memory
  const lines = [
    `a million lines kept: ${ours.toFixed(0)} MB, as floats ${theirs.toFixed(0)} MB (${(ours / theirs).toFixed(1)} ×), with traces ${traced.toFixed(0)} MB`,
    ...(simulation === null
      ? []
      : [
          `${simulation.accounts} accounts under two price books, ${simulation.lines} lines: ${simulation.seconds.toFixed(1)} s on one core, ` +
            `floats ${simulation.floatSeconds.toFixed(1)} s (${simulation.factor.toFixed(1)} ×)`,
        ]),
    ...(missing.length === 0 ? [] : [`no such model: ${missing.join(', ')}`]),
  ]
  process.stdout.write(`${lines.join('\n')}\n`)
}

const measured = modelCases.map((of) => ({ of, figure: measure(of) }))
const all = [...measured.map(({ figure }) => figure), measure(invoiceCase), measureShare(invoiceCase)]
const figures = all.filter((figure) => figure !== null)
const missing = measured.filter(({ figure }) => figure === null).map(({ of }) => of.name)
const memory = measureMemory(invoiceCase, pricesOf(invoiceCase) ?? [])
const simulation = simulate(invoiceCase, raisedCase)
if (process.argv.includes('--json'))
  process.stdout.write(`${JSON.stringify({ figures, missing, memory, simulation })}\n`)
else {
  printTable(figures)
  printRest(memory, simulation, missing)
}

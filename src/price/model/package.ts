import { compare, divide, formatExact, isZero, multiply, one } from '../../core/exact.ts'
import type { Exact } from '../../core/exact.ts'
import { at, expectFields, readAmount, readChoice, readDecimal } from '../place.ts'
import type { Place } from '../place.ts'
import { moneyWords, numberWords, quantityWords } from '../rate/number-words.ts'
import { operand, traceStep } from '../rate/trace.ts'
import type { Trace, TraceStep } from '../rate/trace.ts'
import { roundQuantity } from '../rate/unit.ts'
import type { Charge, Charged } from './charge.ts'

export const packageRounds = ['up', 'down'] as const
export type PackageRound = (typeof packageRounds)[number]

/** Units are sold in packages: one that is begun is paid whole (`up`), or only full ones are paid (`down`). */
export interface Package {
  readonly kind: 'package'
  /** Units in a package, above zero; may have a fraction. */
  readonly size: Exact
  readonly packageAmount: Exact
  readonly round: PackageRound
}

export function readPackage(place: Place): Package {
  expectFields(place, ['kind', 'size', 'package_amount', 'round'])
  const size = readDecimal(at(place, 'size'), { decimalsMax: 18, positive: true })
  return {
    kind: 'package',
    // What was refused is not used, but nothing may divide by it either.
    size: isZero(size) ? one : size,
    packageAmount: readAmount(at(place, 'package_amount')),
    round: readChoice(at(place, 'round'), packageRounds, 'up'),
  }
}

export function packageJson({ kind, size, packageAmount, round }: Package): object {
  return { kind, size: formatExact(size), package_amount: formatExact(packageAmount), round }
}

const counting: Readonly<Record<PackageRound, { readonly name: string; readonly words: string }>> = {
  up: { name: 'ceil', words: 'a begun one counts' },
  down: { name: 'floor', words: 'only full ones count' },
}

function packageStep(model: Package, { quantity, unit, money }: Charged, paid: Exact): TraceStep {
  const { size, packageAmount, round } = model
  const { name, words } = counting[round]
  const packages = `${numberWords(paid)} ${compare(paid, one) === 0 ? 'package' : 'packages'}`
  const each = `packages of ${numberWords(size)} (${words})`
  const about = `${quantityWords(quantity, unit)}, in ${each}: ${packages} × ${moneyWords(packageAmount, money)}`
  const formula = `${name}(${operand(quantity)} / ${operand(size)}) * ${operand(packageAmount)}`
  return traceStep({ step: 'price', about, formula, unit: money }, multiply(paid, packageAmount))
}

export function chargePackage(model: Package, charged: Charged, trace: Trace): Charge {
  const paid = roundQuantity(divide(charged.quantity, model.size), { mode: model.round, decimals: 0 })
  trace?.push(packageStep(model, charged, paid))
  return { amount: multiply(paid, model.packageAmount), unitAmount: null }
}

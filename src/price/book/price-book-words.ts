import {
  compare,
  divide,
  exact,
  formatExact,
  hundred,
  isZero,
  multiply,
  parseExact,
  subtract,
} from '../../core/exact.ts'
import { formatScaled, roundToInteger } from '../../core/exact.ts'
import type { DocumentChange } from './document-change.ts'
import type { VersionChange } from './price-book-diff.ts'
import { nouns } from './price-book-import.ts'

/** Words for the fields that reviews are about; other fields read as their names. */
const words: Readonly<Record<string, string>> = {
  model: '',
  kind: 'price model',
  unit_amount: 'price of each unit',
  flat_amount: 'amount for entering it',
  up_to: 'upper bound',
  package_amount: 'price of a package',
  per: 'size',
  default: 'everything else',
  of: 'of the lines',
  effective_from: 'takes effect',
  in: 'pricing unit',
  each: 'priced for each',
}

/** Lists whose items go by their numbers. */
const numbered: Readonly<Record<string, string>> = { tiers: 'tier', cells: 'cell', discounts: 'discount' }

/** A path in words: `prices.data_out.model.tiers.1.unit_amount` is `data_out: tier 2: price of each unit`. */
export function pathInWords(path: string): string {
  const parts = path.split('.')
  const said: string[] = []
  parts.forEach((part, index) => {
    const before = parts[index - 1] ?? ''
    const isItem = /^\d+$/.test(part)
    if (isItem) said.push(`${numbered[before] ?? before} ${Number(part) + 1}`)
    else if (part === 'prices') said.push(...(parts.length === 1 ? ['order of the prices'] : []))
    else if (numbered[part] !== undefined && index < parts.length - 1) return
    else said.push(before === 'prices' ? part : (words[part] ?? part.replaceAll('_', ' ')))
  })
  return said.filter((word) => word !== '').join(': ')
}

/** By how much a decimal moved, such as ` (-20 %)`; nothing where there is no such number. */
function movement({ before, after }: DocumentChange): string {
  const [old, now] = [parseExact(before ?? ''), parseExact(after ?? '')]
  if (!old.ok || !now.ok || isZero(old.value)) return ''
  const percent = multiply(divide(subtract(now.value, old.value), old.value), hundred)
  const rounded = exact(formatScaled(roundToInteger(percent, 1), 1))
  if (isZero(rounded)) return ''
  return ` (${compare(rounded, exact(0n)) > 0 ? '+' : ''}${formatExact(rounded)} %)`
}

/** One changed value in a sentence: `data_out: included: 5 → 10 (+100 %)`. */
export function changeInWords(change: DocumentChange): string {
  const { path, kind, before, after } = change
  const named = pathInWords(path)
  if (kind === 'added') return `${named}: ${after ?? ''}`
  if (kind === 'removed') return `${named}: was ${before ?? ''}`
  return `${named}: ${before ?? ''} → ${after ?? ''}${movement(change)}`
}

/** What happened to a version, and what an import would make of it. */
export function versionInWords({ section, key, version, kind, effectiveFrom, against }: VersionChange): string {
  const named = `${nouns[section]} ${key}`
  switch (kind) {
    case 'added':
      return against === null
        ? `${named} is new: version ${version}, from ${effectiveFrom}`
        : `${named}: version ${version} is new, from ${effectiveFrom}; against version ${against}:`
    case 'changed':
      return `${named}: version ${version} has other terms, and a published version never changes; make it version ${version + 1}:`
    case 'removed':
      return `${named}: version ${version} is not there any more; an import leaves it where it is`
  }
}

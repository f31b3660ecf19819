import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { changesOf } from '../../src/price/book/document-change.ts'
import { diffPriceBooks } from '../../src/price/book/price-book-diff.ts'
import { formatPriceBook, parsePriceBook } from '../../src/price/book/price-book-file.ts'
import type { PriceBookFile } from '../../src/price/book/price-book-file.ts'
import { bookOf, planImport } from '../../src/price/book/price-book-import.ts'
import { emptyPriceBook } from '../../src/price/book/price-book.ts'
import type { PriceBook } from '../../src/price/book/price-book.ts'

/** The price book as a file, against plain slow code that flattens two documents and compares them value by value. */

type Document = Readonly<Record<string, unknown>>

const amount = fc.tuple(fc.nat(999), fc.nat(999)).map(([whole, part]) => `${whole}.${part}`)
const key = fc.constantFrom('base', 'data_out', 'requests', 'hours', 'seats', 'a.b', '7')
const keys = fc.uniqueArray(key, { minLength: 1, maxLength: 5 })

/** Amounts as one text, or one for each currency, in the order of the currencies or in another one. */
const money = (currencies: readonly string[]): fc.Arbitrary<unknown> =>
  currencies.length === 1
    ? amount
    : fc.tuple(...currencies.map(() => amount), fc.boolean()).map((all) => {
        const pairs = currencies.map((currency, index) => [currency, all[index]])
        return Object.fromEntries(all.at(-1) === true ? pairs : pairs.toReversed())
      })

const model = (currencies: readonly string[]): fc.Arbitrary<Document> =>
  fc.oneof(
    fc.record({ kind: fc.constant('per_unit'), unit_amount: money(currencies) }),
    fc.array(money(currencies), { minLength: 1, maxLength: 4 }).map((amounts) => ({
      kind: 'graduated',
      tiers: amounts.map((unit_amount, index) =>
        index === amounts.length - 1 ? { unit_amount } : { up_to: String((index + 1) * 10), unit_amount },
      ),
    })),
    fc.tuple(money(currencies), money(currencies), fc.boolean()).map(([one, other, first]) => ({
      kind: 'matrix',
      dimensions: ['country'],
      cells: (first ? ['DE', 'FR'] : ['FR']).map((country) => ({
        when: { country },
        model: { kind: 'per_unit', unit_amount: one },
      })),
      default: { included: '5', model: { kind: 'per_unit', unit_amount: other } },
    })),
  )

const metered = (currencies: readonly string[], of: string): fc.Arbitrary<Document> =>
  fc
    .tuple(
      model(currencies),
      fc.option(amount, { nil: undefined }),
      fc.option(fc.array(fc.constantFrom({ percent: '10' }, { percent: '50', name: 'Half' }), { minLength: 1 })),
    )
    .map(([priced, included, discounts]) => ({
      key: of,
      name: `Price ${of}`,
      meter: 'http_requests',
      model: priced,
      ...(included === undefined || priced['kind'] === 'matrix' ? {} : { included }),
      ...(discounts === null ? {} : { discounts }),
    }))

const flat = (currencies: readonly string[], of: string): fc.Arbitrary<Document> =>
  money(currencies).map((value) => ({ key: of, name: `Fee ${of}`, model: { kind: 'flat', amount: value } }))

const terms: fc.Arbitrary<Document> = fc
  .tuple(fc.constantFrom(['USD'], ['USD', 'EUR'], ['EUR', 'JPY']), keys, fc.constantFrom('Pay', 'Pay as you go'))
  .chain(([currencies, priceKeys, name]) =>
    fc
      .tuple(...priceKeys.map((of) => fc.oneof(flat(currencies, of), metered(currencies, of))))
      .map((prices) => ({ name, ...(currencies.length === 1 ? { currency: currencies[0] } : { currencies }), prices })),
  )

const couponTerms: fc.Arbitrary<Document> = fc
  .tuple(
    fc.constantFrom({ percent: '12.5' }, { percent: '100' }, { currency: 'USD', amount: '5' }),
    fc.option(fc.integer({ min: 1, max: 12 })),
  )
  .map(([off, periods]) => ({ name: 'Coupon', ...off, of: 'all', periods }))

/** All versions of one thing: numbers without gaps, effects that never go back. */
function history(of: string, each: fc.Arbitrary<Document>): fc.Arbitrary<readonly Document[]> {
  return fc.array(fc.tuple(each, fc.nat(2)), { minLength: 1, maxLength: 4 }).map((all) => {
    let month = 1
    return all.map(([document, later], index) => {
      month += later
      return { key: of, version: index + 1, ...document, effective_from: `2026-0${month}-01T00:00:00Z` }
    })
  })
}

const histories = (names: readonly string[], each: fc.Arbitrary<Document>): fc.Arbitrary<readonly Document[]> =>
  fc
    .subarray([...names])
    .chain((chosen) => fc.tuple(...chosen.map((of) => history(of, each))))
    .map((all) => all.flat())

interface Book {
  readonly plans: readonly Document[]
  readonly add_ons: readonly Document[]
  readonly coupons: readonly Document[]
}

const book: fc.Arbitrary<Book> = fc.record({
  plans: histories(['payg', 'free', 'x'], terms),
  add_ons: histories(['seats', 'free'], terms),
  coupons: histories(['spring'], couponTerms),
})

/** The book as it was at some time: of each thing its first so many versions. */
const withPast: fc.Arbitrary<readonly [past: Book, now: Book]> = book.chain((now) =>
  fc.infiniteStream(fc.nat(4)).map((counts) => {
    const cut = (versions: readonly Document[]): readonly Document[] => {
      const left = new Map(
        [...new Set(versions.map((one) => one['key']))].map((of) => [of, counts.next().value as number]),
      )
      return versions.filter((one) => (one['version'] as number) <= (left.get(one['key']) ?? 0))
    }
    return [{ plans: cut(now.plans), add_ons: cut(now.add_ons), coupons: cut(now.coupons) }, now] as const
  }),
)

function fileOf(document: unknown): PriceBookFile {
  const parsed = parsePriceBook(document)
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.error))
  return parsed.value
}

function imported(into: PriceBook, document: unknown): PriceBook {
  const planned = planImport(into, fileOf(document))
  if (!planned.ok) throw new Error(JSON.stringify(planned.error))
  return planned.value.after
}

/** In any order that is always the same. */
const sorted = (values: readonly unknown[]): readonly string[] =>
  values.map((value) => JSON.stringify(value)).toSorted()

/** Every value of a document under its path; prices go by their keys. Slow, plain, and not the code under test. */
function flatten(value: unknown, path: readonly string[], into: Map<string, string>): Map<string, string> {
  if (Array.isArray(value) && value.some((item) => typeof item === 'object')) {
    for (const [index, item] of value.entries())
      flatten(item, [...path, (item as { key?: string }).key ?? String(index)], into)
  } else if (typeof value === 'object' && value !== null && !Array.isArray(value)) {
    for (const name of Object.keys(value)) flatten((value as Document)[name], [...path, name], into)
  } else
    into.set(
      path.join('.'),
      Array.isArray(value) ? value.join(', ') : typeof value === 'string' ? value : JSON.stringify(value),
    )
  return into
}

describe('the price book as a file', () => {
  test('written and read, it is the same book; written again, the same bytes', () => {
    fc.assert(
      fc.property(book, (document) => {
        const text = formatPriceBook(bookOf(fileOf(document)))
        expect(formatPriceBook(bookOf(fileOf(JSON.parse(text))))).toBe(text)
        expect(diffPriceBooks(bookOf(fileOf(document)), bookOf(fileOf(JSON.parse(text))))).toEqual([])
      }),
      { numRuns: 60 },
    )
  })

  test('imported over its own past, the book is the file, byte by byte; and once more, nothing happens', () => {
    fc.assert(
      fc.property(withPast, ([past, now]) => {
        const before = imported(emptyPriceBook, past)
        const after = imported(before, now)
        expect(formatPriceBook(after)).toBe(formatPriceBook(bookOf(fileOf(now))))
        const again = planImport(after, fileOf(now))
        expect(again).toMatchObject({ ok: true, value: { publish: { plans: [], add_ons: [], coupons: [] } } })
        // A file from the past takes nothing away.
        expect(formatPriceBook(imported(after, past))).toBe(formatPriceBook(after))
      }),
      { numRuns: 60 },
    )
  })

  test('a diff names each version that is new, and against the one before it every value that is another one', () => {
    fc.assert(
      fc.property(withPast, ([past, now]) => {
        const [before, after] = [bookOf(fileOf(past)), bookOf(fileOf(now))]
        const added = diffPriceBooks(before, after)
        const expected =
          [...now.plans, ...now.add_ons, ...now.coupons].length -
          [...past.plans, ...past.add_ons, ...past.coupons].length
        expect(added).toHaveLength(expected)
        expect(new Set(added.map(({ kind }) => kind)).size).toBe(expected === 0 ? 0 : 1)
        const removed = diffPriceBooks(after, before)
        expect(removed.map(({ section, key: of, version, kind }) => `${section} ${of} ${version} ${kind}`)).toEqual(
          added.map(({ section, key: of, version }) => `${section} ${of} ${version} removed`),
        )
      }),
      { numRuns: 60 },
    )
  })

  test('every value that differs is named once, with what it was and what it is', () => {
    fc.assert(
      fc.property(terms, terms, (one, other) => {
        const [old, now] = [flatten(one, [], new Map()), flatten(other, [], new Map())]
        const expected = [...new Set([...old.keys(), ...now.keys()])]
          .filter((path) => old.get(path) !== now.get(path))
          .map((path) => [path, old.get(path) ?? null, now.get(path) ?? null])
        const order = (document: Document): string =>
          (document['prices'] as { key: string }[]).map((price) => price.key).join(', ')
        if (order(one) !== order(other)) expected.push(['prices', order(one), order(other)])
        const found = changesOf(one, other).map(({ path, before, after }) => [path, before, after])
        expect(sorted(found)).toEqual(sorted(expected))
        expect(changesOf(one, one)).toEqual([])
      }),
      { numRuns: 200 },
    )
  })

  test('a published version with other terms is refused, with its place; nothing else is', () => {
    fc.assert(
      fc.property(book, fc.nat(20), (document, pick) => {
        const { plans } = document
        if (plans.length === 0) return
        const index = pick % plans.length
        const changed = plans.map((plan, at) => (at === index ? { ...plan, name: 'Another name' } : plan))
        const planned = planImport(imported(emptyPriceBook, document), fileOf({ ...document, plans: changed }))
        const problems = planned.ok ? [] : planned.error.map(({ code, field }) => `${code} ${field}`)
        expect(problems).toEqual([`VERSION_IMMUTABLE plans.${index}.version`])
      }),
      { numRuns: 40 },
    )
  })
})

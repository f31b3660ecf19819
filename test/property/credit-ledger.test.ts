import * as fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { inTransaction } from '../../src/account/database.ts'
import type { AccountKey, InvoiceId, MeterKey } from '../../src/core/ids.ts'
import type { Micros } from '../../src/core/time.ts'
import { settleGrants, voidGrant } from '../../src/price/credit/catalogue.ts'
import type { CreditKind, GrantId } from '../../src/price/credit/grant.ts'
import { previewCredits, returnCredits, spendCredits } from '../../src/price/credit/spend.ts'
import { line, minor, openCreditBench } from '../support/credits.ts'
import type { CreditBench } from '../support/credits.ts'
import { at } from '../support/invoice-desk.ts'

/*
 * The ledger in Postgres against a piggy bank for each grant that is looked at day by day. Grants begin, recur and expire
 * at midnight; invoices burn at noon, of any day that has been; whatever is decided is decided at six.
 */

const dayMicros = 86_400_000_000
const begin = at('2026-01-01T00:00:00Z')
const midnight = (day: number): Micros => (begin + day * dayMicros) as Micros
const noon = (day: number): Micros => (midnight(day) + dayMicros / 2) as Micros
const six = (day: number): Micros => (midnight(day) + (dayMicros * 3) / 4) as Micros

interface Plain {
  readonly id: string
  readonly kind: CreditKind
  readonly amount: number
  readonly from: number
  /** The day at whose midnight it expires. */
  readonly to: number | null
  readonly recurs: { readonly days: number; readonly amount: number } | null
  readonly rollover: { readonly min: number; readonly max: number | null } | null
  readonly priority: number
  readonly meter: string | null
  readonly facts: { readonly day: number; readonly amount: number }[]
  voided: number | null
}

interface Told {
  balance: number
  granted: number
  expired: number
  voided: number
}

function beginTurn(grant: Plain, told: Told): void {
  const { recurs, rollover } = grant
  const most = rollover === null ? 0 : (rollover.max ?? told.balance)
  const kept = told.balance < most ? told.balance : most
  told.expired += told.balance - kept
  const least = rollover?.min ?? 0
  const filled = kept < least ? least - kept : 0
  told.granted += filled + (recurs?.amount ?? 0)
  told.balance = kept + filled + (recurs?.amount ?? 0)
}

/** Day by day up to the evening of a day; null: something was paid that was not there. */
function tell(
  grant: Plain,
  until: number,
  more: { readonly day: number; readonly amount: number } | null,
): Told | null {
  const told = { balance: 0, granted: 0, expired: 0, voided: 0 }
  for (let day = grant.from; day <= until; day += 1) {
    if (day === grant.to) {
      told.expired += told.balance
      return { ...told, balance: 0 }
    }
    if (day === grant.from) told.granted = told.balance = grant.amount
    else if (grant.recurs !== null && (day - grant.from) % grant.recurs.days === 0) beginTurn(grant, told)
    for (const fact of more === null ? grant.facts : [...grant.facts, more])
      if (fact.day === day) told.balance += fact.amount
    if (told.balance < 0) return null
    if (day === grant.voided) return { ...told, balance: 0, voided: told.balance }
  }
  return told
}

/** By trying: the most that may burn on a day and leaves everything that burned later where it is. */
function burnable(grant: Plain, day: number): number {
  const isOver = grant.to !== null && day >= grant.to
  if (day < grant.from || isOver || grant.voided !== null) return 0
  const last = Math.max(day, ...grant.facts.map((fact) => fact.day))
  let amount = tell(grant, day, null)?.balance ?? 0
  while (tell(grant, last, { day, amount: -amount }) === null) amount -= 1
  return amount
}

function turnEnd({ from, to, recurs, rollover }: Plain, day: number): number {
  const last = to ?? 9_999
  if (recurs === null || (rollover !== null && rollover.max === null)) return last
  return Math.min(last, from + (Math.floor((day - from) / recurs.days) + 1) * recurs.days)
}

interface PlainLine {
  readonly meter: string | null
  readonly amount: number
}

interface Bill {
  readonly id: InvoiceId
  readonly day: number
  readonly lines: readonly PlainLine[]
  readonly kinds: readonly CreditKind[]
  /** Null: given back. */
  burns: readonly string[] | null
}

/** What a bill takes, as `grant line amount`. */
function pay(grants: readonly Plain[], { day, lines, kinds }: Bill): readonly string[] {
  const owed = lines.map(({ amount }) => amount)
  const taken: string[] = []
  for (const kind of ['promotional', 'prepaid'] as const) {
    if (!kinds.includes(kind)) continue
    const rank = (grant: Plain): string =>
      [grant.priority, turnEnd(grant, day)].map((part) => String(part).padStart(5, '0')).join(' ') + grant.id
    for (const grant of grants.filter((one) => one.kind === kind).toSorted((a, b) => (rank(a) < rank(b) ? -1 : 1)))
      for (const [index, { meter }] of lines.entries()) {
        if (grant.meter !== null && grant.meter !== meter) continue
        const amount = Math.min(burnable(grant, day), owed[index] ?? 0)
        if (amount === 0) continue
        owed[index] = (owed[index] ?? 0) - amount
        grant.facts.push({ day, amount: -amount })
        taken.push(`${grant.id} ${index} ${amount}`)
      }
  }
  return taken
}

const meter = fc.constantFrom('out', 'in', null, null)
const grantDrawn = fc.record({
  kind: fc.constantFrom<CreditKind>('promotional', 'prepaid'),
  amount: fc.integer({ min: 1, max: 40 }),
  shift: fc.integer({ min: -12, max: 6 }),
  days: fc.option(fc.integer({ min: 1, max: 30 })),
  recurs: fc.option(fc.record({ days: fc.integer({ min: 1, max: 9 }), amount: fc.integer({ min: 1, max: 20 }) })),
  rollover: fc.option(
    fc.record({ min: fc.integer({ min: 0, max: 6 }), over: fc.option(fc.integer({ min: 0, max: 15 })) }),
  ),
  priority: fc.integer({ min: 0, max: 1 }),
  meter,
})
const lineDrawn = fc.record({ meter, amount: fc.integer({ min: 0, max: 30 }) })
const kindsDrawn = fc.constantFrom<readonly CreditKind[]>(['promotional', 'prepaid'], ['prepaid'], ['promotional'])
const step = fc.record({
  wait: fc.integer({ min: 0, max: 5 }),
  act: fc.oneof(
    { weight: 3, arbitrary: fc.record({ kind: fc.constant('grant' as const), grant: grantDrawn }) },
    {
      weight: 6,
      arbitrary: fc.record({
        kind: fc.constant('spend' as const),
        ago: fc.integer({ min: 0, max: 12 }),
        lines: fc.array(lineDrawn, { minLength: 1, maxLength: 3 }),
        kinds: kindsDrawn,
      }),
    },
    {
      weight: 4,
      arbitrary: fc.record({ kind: fc.constantFrom('again', 'return', 'void', 'settle'), which: fc.nat({ max: 20 }) }),
    },
  ),
})

/** One run: the same things done to the ledger and to the piggy banks. */
class Run {
  readonly bench: CreditBench
  readonly account: AccountKey
  readonly grants: Plain[] = []
  readonly bills: Bill[] = []
  day = 15

  constructor(bench: CreditBench, account: AccountKey) {
    this.bench = bench
    this.account = account
  }

  async grant(drawn: typeof grantDrawn extends fc.Arbitrary<infer T> ? T : never): Promise<void> {
    const { kind, amount, shift, days, recurs, priority, meter: only } = drawn
    const from = this.day + shift
    const rollover = recurs === null || drawn.rollover === null ? null : drawn.rollover
    const max = rollover === null || rollover.over === null ? null : rollover.min + rollover.over
    const to = days === null ? null : from + days
    const plain: Plain = {
      id: `${this.account}-${String(this.grants.length).padStart(2, '0')}`,
      kind,
      amount,
      from,
      to,
      recurs,
      rollover: rollover === null ? null : { min: rollover.min, max },
      priority,
      meter: only,
      facts: [],
      voided: null,
    }
    this.grants.push(plain)
    await this.bench.grant(this.account, plain.id, {
      kind,
      amount: minor(amount),
      effectiveFrom: midnight(from),
      expiresAt: to === null ? null : midnight(to),
      recurrence:
        recurs === null
          ? null
          : { every: { unit: 'days', count: recurs.days }, anchor: midnight(from), amount: minor(recurs.amount) },
      rollover: rollover === null ? null : { min: minor(rollover.min), max: max === null ? null : minor(max) },
      priority,
      scope: only === null ? 'all' : { meters: [only as MeterKey] },
      createdAt: six(this.day),
    })
  }

  async spend(bill: Bill): Promise<void> {
    const { bench, account } = this
    const lines = bill.lines.map(({ amount, meter: of }) => line(amount, of))
    const asked = { account, currency: 'USD', at: noon(bill.day), lines, kinds: bill.kinds } as const
    const isHeld = bill.burns !== null
    const preview = await previewCredits(bench.database, asked)
    const burns = await inTransaction(bench.database, (client) =>
      spendCredits(client, { ...asked, invoice: bill.id, now: six(this.day) }),
    )
    bill.burns ??= pay(this.grants, bill)
    expect(burns.map(({ grant, line: index, amount }) => `${grant} ${index} ${amount}`)).toEqual(bill.burns)
    if (!isHeld) expect(preview).toEqual(burns)
  }

  async giveBack(bill: Bill): Promise<void> {
    const back = await inTransaction(this.bench.database, (client) =>
      returnCredits(client, { invoice: bill.id, by: 'Ann', reason: 'void', now: six(this.day) }),
    )
    const expected = new Map<string, number>()
    for (const burn of bill.burns ?? []) {
      const [id = '', , amount = ''] = burn.split(' ')
      expected.set(id, (expected.get(id) ?? 0) + Number(amount))
      this.grants.find((one) => one.id === id)?.facts.push({ day: bill.day, amount: Number(amount) })
    }
    bill.burns = null
    expect(Object.fromEntries(back.map(({ grant, amount }) => [grant, Number(amount)]))).toEqual(
      Object.fromEntries(expected),
    )
  }

  async voidOne(grant: Plain): Promise<void> {
    // Of what has not begun there is nothing to void yet, and later there is nothing either.
    if (grant.voided !== null || grant.from > this.day) return
    const end = { id: grant.id as GrantId, by: 'Ann', reason: 'a mistake', now: six(this.day) }
    await inTransaction(this.bench.database, (client) => voidGrant(client, end))
    grant.voided = this.day
  }

  async settle(): Promise<void> {
    const { bench, account } = this
    await inTransaction(bench.database, (client) => settleGrants(client, { account, now: six(this.day) }))
  }

  async act({ wait, act }: typeof step extends fc.Arbitrary<infer T> ? T : never): Promise<void> {
    this.day += wait
    if (act.kind === 'grant') return this.grant(act.grant)
    if (act.kind === 'spend') {
      const id = await this.bench.invoice(this.account)
      const bill: Bill = { id, day: this.day - act.ago, lines: act.lines, kinds: act.kinds, burns: null }
      this.bills.push(bill)
      return this.spend(bill)
    }
    const [bill, grant] = [this.bills[act.which % this.bills.length], this.grants[act.which % this.grants.length]]
    if (act.kind === 'again' && bill !== undefined) return this.spend(bill)
    if (act.kind === 'return' && bill !== undefined) return this.giveBack(bill)
    if (act.kind === 'void' && grant !== undefined) return this.voidOne(grant)
    return this.settle()
  }

  /** Everything that is written of the account adds up to what the piggy banks say, at the end of each day. */
  async check(): Promise<void> {
    await this.settle()
    const { rows } = await this.bench.database.query<{ credit: string; kind: string; day: number; sum: string }>(
      `select credit, kind, floor(extract(epoch from at - timestamptz '2026-01-01T00:00:00Z') / 86400)::int as day,
         sum(amount_minor)::text as sum
       from credit_entry where credit like $1 group by 1, 2, 3`,
      [`${this.account}-%`],
    )
    for (const grant of this.grants) {
      const mine = rows.filter(({ credit }) => credit === grant.id)
      const upTo = (day: number, ...kinds: readonly string[]): number =>
        mine
          .filter((row) => row.day <= day && (kinds.length === 0 || kinds.includes(row.kind)))
          .reduce((sum, row) => sum + Number(row.sum), 0)
      for (let day = 0; day <= this.day; day += 1) expect(upTo(day)).toBe(tell(grant, day, null)?.balance)
      const told = tell(grant, this.day, null)
      const [granted, expired, voided] = [upTo(999, 'granted', 'filled_up'), upTo(999, 'expired'), upTo(999, 'voided')]
      expect({ granted, expired: 0 - expired, voided: 0 - voided, balance: upTo(999) }).toEqual(told)
      const spent = 0 - upTo(999, 'burned')
      expect(granted).toBe(spent - upTo(999, 'returned') - expired - voided + upTo(999))
      expect(upTo(999, 'rolled_over')).toBe(0)
    }
  }
}

describe('the ledger of credits', () => {
  let bench: CreditBench
  let runs = 0
  beforeAll(async () => {
    bench = await openCreditBench()
  })
  afterAll(() => bench.close())

  test('is what piggy banks say, whatever is granted, spent, given back, voided or waited for', async () => {
    await fc.assert(
      fc.asyncProperty(grantDrawn, fc.array(step, { minLength: 4, maxLength: 16 }), async (first, steps) => {
        const run = new Run(bench, await bench.account(`run${(runs += 1)}`))
        await run.grant(first)
        for (const one of steps) await run.act(one)
        await run.check()
      }),
      { numRuns: 40 },
    )
  })
})

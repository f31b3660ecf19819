import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { balances, eventsInLog, ndjson, quarantine, receiptOf, sumOf } from '../support/answers.ts'
import type { Receipt } from '../support/answers.ts'
import { diceFor, pick, shuffled } from '../support/dice.ts'
import { Ledger, countedIdentities, usageTotals } from '../support/ledger.ts'
import { lineOf, timeAt } from '../support/odd-events.ts'
import { discardData, startService, temporaryDirectory } from '../support/service.ts'
import type { RunningService } from '../support/service.ts'

const seed = Number(process.env['CROSSFOOT_SEED'] ?? 20_261_122)
const meetings = 120
const underWay = 12

interface Twin {
  readonly identity: string
  readonly fields: Readonly<Record<string, string>>
}

/** Events of one meeting: some numbered, some not. */
function twinsOf(meeting: number): Twin[] {
  const dice = diceFor(seed, 'twins', meeting)
  return Array.from({ length: 1 + dice(25) }, (_, index) => {
    const number = meeting * 100 + index + 1
    const source = pick(dice, ['numbered', 'named'])
    const identity = source === 'numbered' ? { seq: String(number) } : { id: `"n${number}"` }
    const fields = { source: `"${source}"`, ...identity, time: timeAt(-dice(86_400_000)), account: '"twins"' }
    return { identity: `${source} ${source === 'numbered' ? number : `n${number}`}`, fields }
  })
}

/** L2: equal identities that come at once through connections of their own. */
describe(`equal identities at once (CROSSFOOT_SEED=${seed})`, () => {
  const data = temporaryDirectory('identity')
  const ledger = new Ledger()
  const conflicts = new Set<string>()
  let service: RunningService
  beforeAll(async () => {
    service = await startService({ data })
  })
  afterAll(() => discardData(data))

  /** Sends bodies at once and gives their answers. `fetch` opens a connection for each that is under way. */
  const sendAtOnce = (bodies: readonly string[][]): Promise<Receipt[]> =>
    Promise.all(bodies.map(async (lines) => receiptOf(await service.post('/v1/events', lines.join('\n'), ndjson))))

  /** Several meetings at once, so that what meets is not alone either. */
  const meet = async (one: (meeting: number) => Promise<void>, from: number): Promise<void> => {
    for (let first = from; first < from + meetings; first += underWay) {
      await Promise.all(Array.from({ length: underWay }, (_, index) => one(first + index)))
    }
  }

  test('equal content: counted once, and all others are told that they are duplicates', async () => {
    await meet(async (meeting) => {
      const dice = diceFor(seed, 'equal', meeting)
      const lines = twinsOf(meeting).map(({ identity, fields }) => {
        const bytes = BigInt(dice(1_000))
        ledger.sent(identity, 'twins', bytes)
        return lineOf({ ...fields, bytes_out_wire: String(bytes) })
      })
      const times = 2 + dice(3)
      const receipts = await sendAtOnce(Array.from({ length: times }, () => shuffled(dice, lines)))
      const sum = (count: (receipt: Receipt) => number): number => receipts.reduce((all, one) => all + count(one), 0)
      expect(sum(({ accepted }) => accepted)).toBe(lines.length)
      expect(sum(({ duplicates }) => duplicates)).toBe(lines.length * (times - 1))
    }, 0)
  })

  test('other content: one is counted, the other is a conflict that can be seen', async () => {
    await meet(async (meeting) => {
      const twins = twinsOf(meeting)
      const receipts = await sendAtOnce(
        ['1', '2'].map((bytes) => twins.map(({ fields }) => lineOf({ ...fields, bytes_out_wire: bytes }))),
      )
      for (const [index, { identity }] of twins.entries()) {
        const refused = receipts.map(({ results }) => results.find((result) => result.index === index))
        const loser = refused.findIndex((result) => result !== undefined)
        expect(
          refused.filter((result) => result !== undefined),
          identity,
        ).toMatchObject([{ code: 'EVENT_CONFLICT' }])
        // The answers say which of the two counts.
        ledger.sent(identity, 'twins', loser === 0 ? 2n : 1n)
        conflicts.add(`${identity} ${loser + 1}`)
      }
    }, meetings)
  })

  test('usage, balance and quarantine say the same', async () => {
    const counted = await countedIdentities(service, 'twins')
    expect(counted.toSorted()).toEqual([...ledger.identities('twins', 'sent')].toSorted())
    expect(await usageTotals(service, 'twins')).toEqual(ledger.totals('twins'))
    const all = [...(await balances(service)).values()]
    expect([sumOf(all, 'accepted'), sumOf(all, 'quarantined')]).toEqual([BigInt(ledger.size()), BigInt(conflicts.size)])
    expect(await eventsInLog(service)).toBe(BigInt(ledger.size()))
    const held = (await quarantine(service)).map(({ source, id, problem, raw }) => {
      expect(problem.code).toBe('EVENT_CONFLICT')
      return `${source} ${id} ${/"([12])"/.exec(raw)?.[1]}`
    })
    expect(new Set(held)).toEqual(conflicts)
    expect(held).toHaveLength(conflicts.size)
  })
})

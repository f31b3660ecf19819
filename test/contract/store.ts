import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { AccountKey, Offset } from '../../src/core/ids.ts'
import type { Micros } from '../../src/core/time.ts'
import type { Engine, Insert } from '../../src/store/engine.ts'
import { claimRange, Overtaken } from '../../src/store/claim.ts'
import { Projection } from '../../src/store/project.ts'
import type { ProjectionPorts } from '../../src/store/project.ts'
import { askPosition } from '../../src/store/position.ts'
import { askEvents, askFacts, factStatement, operatorQuestions } from '../../src/store/query.ts'
import type { FactQuestion } from '../../src/store/query.ts'
import { standardMeters } from '../../src/meter/standard.ts'
import { arrivalOf, testNow } from '../support/events.ts'
import type { Pipeline } from '../support/pipeline.ts'

const period = { from: (Date.UTC(2020, 0, 1) * 1000) as Micros, to: (Date.UTC(2026, 10, 1) * 1000) as Micros }

function questionOf(account: string, more: Partial<FactQuestion> = {}): FactQuestion {
  return {
    scope: { kind: 'account', account: account as AccountKey },
    period,
    starts: [period.from],
    below: 1_000_000 as Offset,
    measure: { kind: 'sum', value: { kind: 'field', field: 'bytes_out_wire' } },
    conditions: [],
    dimensions: [],
    ...more,
  }
}

/** An engine that fails on the n-th insert, before or after the rows are in: as a crash or a lost answer would. */
function failing(engine: Engine, at: number, when: 'before' | 'after'): Engine {
  let count = 0
  return {
    ...engine,
    async insert(insert: Insert) {
      count += 1
      if (count === at && when === 'before') throw new Error('the insert was cut')
      await engine.insert(insert)
      if (count === at && when === 'after') throw new Error('the answer was lost')
    },
  }
}

/** What every event store has to hold (see src/store/project.ts and src/store/query.ts). */
export function storeContract(name: string, open: () => Promise<Pipeline>): void {
  describe(`store contract: ${name}`, () => {
    let pipeline: Pipeline
    beforeAll(async () => {
      pipeline = await open()
    })
    afterAll(() => pipeline.close())
    const total = async (account: string, more: Partial<FactQuestion> = {}): Promise<string | undefined> =>
      (await askFacts(pipeline.engine, questionOf(account, more)))[0]?.quantity ?? undefined

    /** Events of three years: a range of them is three inserts of facts and three of inspection records. */
    const years = Array.from({ length: 40 }, (_, index) =>
      arrivalOf({
        seq: index + 1,
        time: `${2024 + (index % 3)}-03-1${index % 9}T10:00:00Z`,
        bytes_out_wire: index,
        path: '/',
      }),
    )
    const sum = (39 * 40) / 2

    test('L2: a range that was cut anywhere is finished to the same rows, in the same process and in the next', async () => {
      // One row for the range, then facts and inspection records of three years.
      const inserts = 1 + 2 * 3
      for (const when of ['before', 'after'] as const) {
        for (let at = 1; at <= inserts; at += 1) {
          const { log } = await pipeline.fresh()
          await log.append(years, testNow)
          const ports: ProjectionPorts = {
            log,
            engine: failing(pipeline.engine, at, when),
            onAccounts: () => Promise.resolve(),
          }
          const cut = new Projection(ports)
          await expect(cut.catchUp(), `insert ${at}`).rejects.toThrow()
          // More arrives meanwhile; the range that was begun must stay what it was.
          await log.append([arrivalOf({ seq: 41, bytes_out_wire: 1_000 })], testNow)
          const next = at % 2 === 0 ? cut : new Projection({ ...ports, engine: pipeline.engine })
          if (next !== cut) expect((await next.open()).kind).toBe('consistent')
          await next.catchUp()
          expect(next.position()).toBe(41)
          expect(await total('acme')).toBe(String(sum + 1_000))
          const [rows] = await pipeline.engine.query<{ n: string; u: string }>(
            'SELECT count() AS n, uniqExact(offset) AS u FROM fact',
            {},
          )
          expect(rows).toEqual({ n: '41', u: '41' })
          const [inspected] = await pipeline.engine.query<{ n: string }>('SELECT count() AS n FROM inspection', {})
          expect(inspected?.n).toBe('40')
        }
      }
    })

    test('L2: two that fill a shared store at once, each with a view of the log of its own, leave each row once', async () => {
      const { log } = await pipeline.fresh()
      const onAccounts = () => Promise.resolve()
      const open = async (end?: () => Offset): Promise<Projection> => {
        const view =
          end === undefined
            ? log
            : { name: () => log.name(), end, read: (from: Offset, most: number) => log.read(from, most) }
        const projection = new Projection({ log: view, engine: pipeline.engine, onAccounts, shared: true })
        expect(['consistent', 'damaged', 'ahead']).toContain((await projection.open()).kind)
        return projection
      }
      // The one that has lost the lead goes on from where it stood; who is overtaken stops.
      const stale = await open()
      const leader = await open()
      const overtaken: unknown[] = []
      for (let round = 0; round < 8; round += 1) {
        const more = (count: number) =>
          Array.from({ length: count }, () => arrivalOf({ seq: log.end() + 1, bytes_out_wire: 1 }))
        for (let n = 0; n < 1 + (round % 3); n += 1) await log.append(more(1), testNow)
        const [first, second] = round % 2 === 0 ? [stale, leader] : [leader, stale]
        const steps = [first.step()]
        await log.append(more(1), testNow)
        steps.push(second.step())
        for (const step of await Promise.allSettled(steps)) if (step.status === 'rejected') overtaken.push(step.reason)
        if (round === 3) for (let n = 0; n < 3; n += 1) await leader.catchUp()
      }
      await (await open()).catchUp()
      for (const reason of overtaken) expect(String(reason)).toMatch(/Overtaken|has caught up/)
      const [rows] = await pipeline.engine.query<{ n: string; u: string }>(
        'SELECT count() AS n, uniqExact(offset) AS u FROM fact',
        {},
      )
      expect(rows).toEqual({ n: String(log.end()), u: String(log.end()) })
      expect(await askPosition(pipeline.engine)).toBe(log.end())
    })

    test('who only reads a shared store trusts finished ranges, not those that are written down', async () => {
      const { log } = await pipeline.fresh()
      const onAccounts = () => Promise.resolve()
      const follow = () => askPosition(pipeline.engine)
      const shared = (engine: Engine) => new Projection({ log, engine, onAccounts, shared: true })
      await log.append(years, testNow)
      // The claim of a range, which is made once; six inserts of rows; the word that it is finished, which alone counts.
      for (const at of [1, 2, 1, 2, 3, 4, 5, 6, 7]) {
        await expect(shared(failing(pipeline.engine, at, 'before')).catchUp(), `insert ${at}`).rejects.toThrow()
        expect(await follow()).toBe(0)
      }
      expect(await shared(pipeline.engine).open()).toEqual({ kind: 'consistent', position: 40 })
      expect(await follow()).toBe(40)
    })

    test('a record that is older than the last columns of its table goes in with what it has', async () => {
      const { log, projection } = await pipeline.fresh()
      await pipeline.engine.command('ALTER TABLE projected_range ADD COLUMN later Nullable(UInt8)')
      await pipeline.engine.command("ALTER TABLE projected_range ADD COLUMN word String DEFAULT 'none'")
      const columns = ['first', 'next', 'later', 'word']
      const rows = '[0,1]\n[1,2,7]\n[2,3,null,"said"]'
      await pipeline.engine.insert({ table: 'projected_range', columns, rows, token: 'of all ages' })
      expect(
        await pipeline.engine.query('SELECT first, next, later, word FROM projected_range ORDER BY first', {}),
      ).toEqual([
        { first: '0', next: '1', later: null, word: 'none' },
        { first: '1', next: '2', later: 7, word: 'none' },
        { first: '2', next: '3', later: null, word: 'said' },
      ])
      // A row that is cut in the middle is not an old one: nothing of its insert goes in.
      await expect(
        pipeline.engine.insert({ table: 'projected_range', columns, rows: '[3,4]\n[4,', token: 'cut' }),
      ).rejects.toThrow()
      const [{ n } = { n: '' }] = await pipeline.engine.query<{ n: string }>(
        'SELECT count() AS n FROM projected_range',
        {},
      )
      expect([n, projection.position(), log.end()]).toEqual(['3', 0, 0])
    })

    test('a store that lacks rows, has too many, or knows more than the log is found at the start', async () => {
      const { log, projection } = await pipeline.fresh()
      await log.append(years, testNow)
      await projection.catchUp()
      const standing = () =>
        new Projection({ log, engine: pipeline.engine, onAccounts: () => Promise.resolve() }).open()
      expect(await standing()).toEqual({ kind: 'consistent', position: 40 })
      await pipeline.engine.insert({
        table: 'projected_range',
        columns: ['first', 'next'],
        rows: '[40,99]',
        token: 'more',
      })
      // Rebuilding it would erase the only copy of what the log has lost.
      expect((await standing()).kind).toBe('ahead')
      const lacking = await pipeline.fresh()
      await lacking.log.append(years, testNow)
      await lacking.projection.catchUp()
      await lacking.log.append([arrivalOf({ seq: 41 })], testNow)
      await lacking.projection.catchUp()
      await pipeline.engine.command("ALTER TABLE fact DROP PARTITION '2024'")
      const found = await new Projection({
        log: lacking.log,
        engine: pipeline.engine,
        onAccounts: () => Promise.resolve(),
      }).open()
      expect(found.kind).toBe('damaged')
    })

    test('L2: a store that was filled from another log is left as it is; one without a name takes that of its log', async () => {
      const own = await pipeline.fresh()
      const onAccounts = () => Promise.resolve()
      const standing = (log: ProjectionPorts['log']) =>
        new Projection({ log, engine: pipeline.engine, onAccounts }).open()
      await own.log.append(years, testNow)
      await own.projection.catchUp()
      const stored = () => pipeline.engine.query('SELECT offset, source FROM fact ORDER BY offset, source', {})
      const before = await stored()
      // It has as many events, or more, and another name.
      const other = (end: number): ProjectionPorts['log'] => ({
        name: () => 'another one',
        end: () => end as Offset,
        read: () => Promise.reject(new Error('nothing of it is looked at')),
      })
      for (const end of [0, 40, 41]) {
        const found = await standing(other(end))
        expect(found).toMatchObject({ kind: 'other', reason: expect.stringContaining('another one') })
      }
      expect(await stored()).toEqual(before)
      // As a store was before there were names.
      await pipeline.engine.command('TRUNCATE TABLE log_name')
      await pipeline.engine.command('ALTER TABLE log_name MODIFY SETTING non_replicated_deduplication_window = 0')
      expect(await standing(own.log)).toMatchObject({ kind: 'consistent' })
      expect(await pipeline.engine.query('SELECT name FROM log_name', {})).toEqual([{ name: own.log.name() }])
      expect(await standing(other(40))).toMatchObject({ kind: 'other' })
    })

    test('a claim below, or across, what another process has written down since is refused as overtaken', async () => {
      await pipeline.fresh()
      const columns = ['first', 'next']
      await pipeline.engine.insert({ table: 'projected_range', columns, rows: '[0,5]\n[5,9]', token: 'of another' })
      const claim = (first: number, next: number) =>
        claimRange(pipeline.engine, { first: first as Offset, next: next as Offset }, [])
      for (const [first, next] of [
        [0, 3],
        [2, 4],
        [6, 8],
      ] as const) {
        await expect(claim(first, next), `from ${first}`).rejects.toThrow(Overtaken)
      }
      expect(await claim(5, 7)).toEqual({ first: 5, next: 9 })
      expect(await claim(9, 12)).toEqual({ first: 9, next: 12 })
    })

    test('L4: sums beyond 2^64 and quantities beyond 2^53 are exact; L13: an absent size is not zero', async () => {
      const { log, projection } = await pipeline.fresh()
      const large = 2n ** 64n - 1n
      await log.append(
        [
          ...[1, 2, 3, 4, 5].map((seq) => arrivalOf({ seq, bytes_out_wire: String(large) })),
          arrivalOf({ seq: 6, bytes_out_wire: 0 }),
          arrivalOf({ seq: 7 }),
          arrivalOf({
            seq: 8,
            kind: 'usage',
            name: 'tokens',
            quantity: '123456789012345678901234567890.000000000000000001',
          }),
          arrivalOf({ seq: 9, kind: 'usage', name: 'tokens', quantity: '0.999999999999999999' }),
        ],
        testNow,
      )
      await projection.catchUp()
      const conditions = [{ operator: 'in', field: 'kind', values: ['http_request'] }] as const
      const [row] = await askFacts(pipeline.engine, questionOf('acme', { conditions }))
      expect(row).toMatchObject({ quantity: String(5n * large), missing: '1' })
      expect(await total('acme', { measure: { kind: 'sum', value: { kind: 'field', field: 'quantity' } } })).toBe(
        '123456789012345678901234567891',
      )
    })

    test('L5: usage below an offset never changes, whatever comes after', async () => {
      const { log, projection } = await pipeline.fresh()
      await log.append(years.slice(0, 20), testNow)
      await projection.catchUp()
      const before = await total('acme', { below: 20 as Offset })
      await log.append(years.slice(20), testNow)
      await projection.catchUp()
      expect(await total('acme', { below: 20 as Offset })).toBe(before)
      expect(await total('acme')).toBe(String(sum))
    })

    test('L11: no statement without the account predicate, unless an operator question is asked for by name', async () => {
      for (const { aggregation: measure, filter: conditions, groupBy: dimensions } of standardMeters) {
        const { sql, parameters } = factStatement(questionOf('acme', { measure, conditions, dimensions }))
        const fence = /WHERE account = \{(p\d+):String\}/.exec(sql)
        expect(fence, sql).not.toBeNull()
        expect(parameters[fence?.[1] ?? '']).toBe('acme')
        for (const question of operatorQuestions) {
          const asked = factStatement(
            questionOf('acme', { scope: { kind: 'operator', question }, measure, conditions, dimensions }),
          )
          expect(asked.sql).toContain(`/* operator question: ${question} */`)
        }
      }
      const { log, projection } = await pipeline.fresh()
      await log.append(
        [
          arrivalOf({ seq: 1, account: 'acme', bytes_out_wire: 1, path: '/mine' }),
          arrivalOf({ seq: 2, account: 'globex', bytes_out_wire: 2, path: '/canary' }),
        ],
        testNow,
      )
      await projection.catchUp()
      // Hostile names are values, not SQL.
      for (const account of ['nobody', "acme' OR '1'='1", "acme\\' OR 1=1 --", '{p1:String}'])
        expect(await total(account)).toBeUndefined()
      const events = await askEvents(pipeline.engine, { ...questionOf('acme'), after: null, most: 10 })
      expect(JSON.stringify(events)).not.toContain('canary')
      expect(events.map(({ path }) => path)).toEqual(['/mine'])
    })

    test('attributes and absent dimensions: null is not the empty text', async () => {
      const { log, projection } = await pipeline.fresh()
      const attributes = [{ tier: 'gold' }, { tier: '' }, {}, { "it's": 'x' }]
      await log.append(
        attributes.map((attributes, index) =>
          arrivalOf({ seq: index + 1, attributes: Object.hasOwn(attributes, "it's") ? {} : attributes }),
        ),
        testNow,
      )
      await projection.catchUp()
      const rows = await askFacts(
        pipeline.engine,
        questionOf('acme', { measure: { kind: 'count' }, dimensions: ['attributes.tier', 'endpoint'] }),
      )
      expect(rows.map(({ dimensions, quantity }) => [...dimensions, quantity])).toEqual([
        ['', null, '1'],
        ['gold', null, '1'],
        [null, null, '2'],
      ])
      const gold = [{ operator: 'not_in', field: 'attributes.tier', values: ['gold'] }] as const
      // An absent value meets no condition, not even a negative one.
      expect(await total('acme', { measure: { kind: 'count' }, conditions: gold })).toBe('1')
    })
  })
}

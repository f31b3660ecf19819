import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { Turns } from './turns.ts'

describe('turns', () => {
  test('never more bytes at once than there is room for, but for one alone; in order; also after a failure', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.record({ bytes: fc.integer({ min: 0, max: 150 }), ticks: fc.nat(5), fails: fc.boolean() })),
        async (works) => {
          const turns = new Turns(100)
          const underWay: number[] = []
          const begun: number[] = []
          const all = works.map(({ bytes, ticks, fails }, index) =>
            turns.run(bytes, async () => {
              underWay.push(bytes)
              begun.push(index)
              const sum = underWay.reduce((total, one) => total + one, 0)
              expect(sum <= 100 || underWay.filter((one) => one > 0).length === 1, `${underWay.join()} at once`).toBe(
                true,
              )
              for (let tick = 0; tick < ticks; tick += 1) await Promise.resolve()
              underWay.splice(underWay.indexOf(bytes), 1)
              if (fails) throw new Error('as it was told')
              return index
            }),
          )
          const outcomes = await Promise.allSettled(all)
          expect(outcomes.map(({ status }) => status === 'rejected')).toEqual(works.map(({ fails }) => fails))
          expect(begun).toEqual(works.map((_, index) => index))
        },
      ),
      { numRuns: 200 },
    )
  })
})

import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { exact, formatExact } from '../../core/exact.ts'
import { dayChart } from './chart.ts'
import type { DayChart, Tone } from './day-chart.ts'
import { scaleOf } from './scale.ts'
import { sparkline } from './sparkline.ts'
import type { Known } from './view.ts'

type Value = bigint | null

function known(value: Value): Known<ReturnType<typeof exact>> {
  return value === null ? { known: false, why: 'still being counted' } : { known: true, value: exact(value) }
}

function chartOf(...series: readonly (readonly Value[])[]): DayChart {
  const [first = []] = series
  return {
    id: 'test',
    title: 'HTTP requests',
    unit: 'requests',
    days: first.map((_, index) => ({ date: `2026-11-${String(index + 1).padStart(2, '0')}`, growing: false })),
    series: series.map((values, index) => ({
      name: `Account ${index + 1}`,
      tone: `s${index}` as Tone,
      values: values.map(known),
    })),
  }
}

interface Bar {
  readonly y: bigint
  readonly height: bigint
}

function hundredths(pixels: string): bigint {
  return BigInt(pixels.replace('.', ''))
}

function ticksFor(greatest: string): readonly string[] {
  return scaleOf([exact(greatest)]).ticks.map(formatExact)
}

/** The bars of one tone, in hundredths of a pixel. */
function bars(markup: string, tone: string): readonly Bar[] {
  return [...markup.matchAll(new RegExp(`<rect\\s+class="${tone}"[^>]*y="([\\d.]+)"[^>]*height="([\\d.]+)"`, 'g'))].map(
    ([, y = '', height = '']) => ({ y: hundredths(y), height: hundredths(height) }),
  )
}

describe('bars per day', () => {
  test('are as high as their share of the greatest, to the hundredth of a pixel', () => {
    const values = fc.array(fc.bigInt({ min: 1n, max: 2n ** 80n }), { minLength: 1, maxLength: 28 })
    fc.assert(
      fc.property(values, (all) => {
        const greatest = all.reduce((most, value) => (value > most ? value : most))
        // A bar below half a hundredth of a pixel is not drawn; its number is in the table.
        const drawn = all.filter((value) => value * 10_000n > greatest)
        const heights = bars(dayChart(chartOf(drawn)).toString(), 's0').map(({ height }) => height)
        const highest = heights[drawn.indexOf(greatest)] ?? 0n
        return (
          heights.length === drawn.length &&
          highest > 0n &&
          heights.every((height, index) => {
            const apart = height * greatest - highest * (drawn[index] ?? 0n)
            // Each of the two heights may be half a hundredth off.
            return (apart < 0n ? -apart : apart) <= greatest
          })
        )
      }),
      { numRuns: 60 },
    )
  })

  test('twice as much is twice as high', () => {
    const heights = bars(dayChart(chartOf([100n, 50n, 25n])).toString(), 's0').map(({ height }) => height)
    expect(heights).toEqual([15_000n, 7_500n, 3_750n])
  })

  test('stand on one another without a gap', () => {
    const markup = dayChart(chartOf([30n], [20n], [50n])).toString()
    const [first, second, third] = ['s0', 's1', 's2'].flatMap((tone) => bars(markup, tone))
    expect(first?.y).toBe((second?.y ?? 0n) + (second?.height ?? 0n))
    expect(second?.y).toBe((third?.y ?? 0n) + (third?.height ?? 0n))
  })

  test('a day of zero has no bar, a day that is not known has a gap and says so (L13)', () => {
    const markup = dayChart(chartOf([7n, 0n, null])).toString()
    expect(bars(markup, 's0')).toHaveLength(1)
    expect(markup.match(/class="gap"/g)).toHaveLength(1)
    expect(markup).toContain('Mon 2 Nov 2026: 0 requests')
    expect(markup).toContain('Tue 3 Nov 2026: not known yet')
  })

  test('a day that corrections took below zero has no bar, and its number', () => {
    const markup = dayChart(chartOf([7n, -3n])).toString()
    expect(bars(markup, 's0')).toHaveLength(1)
    expect(markup).toContain('Mon 2 Nov 2026: -3 requests')
    expect(sparkline([known(7n), known(-3n)], { name: 'x', unit: 'bytes' }).toString()).not.toContain('--')
  })

  test('a sum with an unknown part is a lower bound', () => {
    const markup = dayChart(chartOf([7n], [null])).toString()
    expect(markup).toContain('Sun 1 Nov 2026: at least 7 requests')
    expect(markup).toContain('Account 2: not known yet')
    expect(markup).toMatch(/≥\s*7/)
  })

  test('only a picture in which everything is zero says that there is nothing', () => {
    expect(dayChart(chartOf([0n, 0n])).toString()).toContain('none on these days')
    expect(dayChart(chartOf([0n, null])).toString()).not.toContain('none on these days')
  })

  test('the numbers beside the picture add up along rows and down columns, with every digit', () => {
    const huge = 2n ** 64n
    const markup = dayChart(chartOf([huge, 2n], [3n, 4n])).toString()
    const cells = [...markup.matchAll(/<td>\s*([\d,≥ ]+?)\s*<\/td>/g)].map(([, text = '']) => text.replaceAll(',', ''))
    const expected = [huge, 3n, huge + 3n, 2n, 4n, 6n, huge + 2n, 7n, huge + 9n].map(String)
    expect(cells).toEqual(expected)
  })

  test('the scale ends at 1, 2 or 5 times a power of ten, at or above the greatest value', () => {
    expect(ticksFor('0')).toEqual(['0'])
    expect(ticksFor('7')).toEqual(['0', '2', '4', '6', '8'])
    expect(ticksFor('100')).toEqual(['0', '50', '100'])
    expect(ticksFor('12700')).toEqual(['0', '5000', '10000', '15000'])
    expect(ticksFor('0.03')).toEqual(['0', '0.01', '0.02', '0.03'])
  })
})

describe('the small picture', () => {
  test('draws what is known as bars and what is not known as gaps', () => {
    const markup = sparkline([known(4n), known(0n), known(null), known(2n)], {
      name: 'Data out',
      unit: 'bytes',
    }).toString()
    expect(/class="bar"\s+d="([^"]*)"/.exec(markup)?.[1]?.match(/M/g)).toHaveLength(2)
    expect(/class="gap"\s+d="([^"]*)"/.exec(markup)?.[1]?.match(/M/g)).toHaveLength(1)
    expect(markup).toContain('at least 6 B together')
  })
})

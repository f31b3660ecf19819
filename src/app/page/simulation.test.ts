import { describe, expect, test } from 'vitest'
import type { AccountKey, PlanKey } from '../../core/ids.ts'
import type { Currency } from '../../core/money.ts'
import { SimulationTally, compareSides } from '../../price/simulation/simulation.ts'
import type { Side } from '../../price/simulation/simulation.ts'
import { simulationPage, simulationSvg } from './simulation.ts'
import type { SimulationView } from './simulation.ts'

function side(plan: string, net: bigint): Side {
  return { plan: plan as PlanKey, charged: { subtotal: net, net, total: net } as never, prices: new Map() }
}

/** Accounts of a currency by what they paid and would pay, in the minor unit. */
function view(currency: Currency, ...amounts: readonly (readonly [bigint, bigint])[]): SimulationView {
  const tally = new SimulationTally()
  amounts.forEach(([before, after], index) =>
    tally.add(
      compareSides(
        { account: `a<b>${index}` as AccountKey, currency },
        { before: side('pro', before), after: side('pro', after) },
      ),
    ),
  )
  const about = {
    months: ['2026-10'],
    takes_effect: 'as_stated',
    changed: [],
    assign: { pro: 'gold' },
    counted_below: 7,
  }
  return { about, summary: tally.document() }
}

/** Heights of the bars of a class, in pixels. */
function heights(svg: string, tone: string): readonly string[] {
  return [...svg.matchAll(new RegExp(`<rect\\s+class="${tone}"[^>]*height="([^"]*)"`, 'g'))].map(
    ([, height = '']) => height,
  )
}

describe('the picture of a simulation', () => {
  test('has a bar for each bucket, as high as it has accounts', () => {
    const svg = simulationSvg(
      view('USD', [100_00n, 103_00n], [100_00n, 104_00n], [100_00n, 90_00n], [100_00n, 100_00n]),
    )
    // Two of two accounts are all of the height of 170; one is half of it. Then money, and the way from before to after.
    expect(heights(svg, 's2').slice(0, 3)).toEqual(['170.00', '0.00', '0.00'])
    expect(heights(svg, 's4')[0]).toBe('85.00')
    expect(heights(svg, 's1').slice(0, 5)).toEqual(['0.00', '0.00', '0.00', '85.00', '0.00'])
    expect(svg).toContain('USD 400.00 → 397.00')
    expect(svg).toContain('4 accounts · 2 pay more · 1 pay less · 1 the same')
  })

  test('is drawn for nothing, for nothing that changes, and for sums of any size', () => {
    expect(simulationSvg(view('JPY'))).toContain('No account was priced.')
    for (const amounts of [
      [[0n, 0n]],
      [[0n, 5n]],
      [[5n, 0n]],
      [[10n ** 40n, 10n ** 40n + 1n]],
      [
        [1n, 2n],
        [3n, 1n],
      ],
    ] as const) {
      const svg = simulationSvg(view('KWD', ...amounts))
      expect(svg).not.toMatch(/NaN|undefined|height="-/)
    }
  })

  test('the page needs nothing else, and text of others is text', () => {
    const page = simulationPage(view('USD', [100n, 250n]))
    expect(page).toContain('a&lt;b&gt;0')
    expect(page).not.toMatch(/<script|src=|href=|a<b>/)
    expect(page).toContain('What if: accounts of pro under gold.')
    expect(page).toContain('+150.00')
  })
})

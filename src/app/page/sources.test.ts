import { describe, expect, test } from 'vitest'
import type { Micros } from '../../core/time.ts'
import { sourcesPage } from './sources.ts'
import type { Frame, SourcesView } from './view.ts'

const now = 1_795_354_631_000_000 as Micros
const frame: Frame = { company: 'Northlight Edge', now, log: { records: 1_000, counted: 1_000, quarantined: 0 } }
const months = { shown: '2026-11', previousHref: '/?month=2026-10', nextHref: null }

function textOf(page: string): string {
  return page
    .replaceAll(/<style>.*?<\/style>/gs, '')
    .replaceAll(/<[^>]*>/g, ' ')
    .replaceAll(/\s+/g, ' ')
}

const sources: SourcesView = {
  frame,
  period: '2026-11 (UTC), so far',
  months,
  complete: false,
  hidden: 2,
  risk: { amounts: [{ amount: '1234.50', currency: 'USD' }], how: ['source edge-1: about 4 events'] },
  rows: [
    {
      source: 'edge-1',
      state: 'gap',
      owner: 'edge team',
      completeUntil: now,
      silence: { from: now, to: now },
      missing: 1_500,
      lost: 3,
      duplicates: 12,
      late: 0,
      open: 1,
      gaps: [{ epoch: 'second', first: 4, last: 1_503, since: now }],
      moreGaps: 7,
    },
  ],
}

describe('the page of sources', () => {
  test('says what is missing, since when, whom to ask and what it may be worth', () => {
    const text = textOf(sourcesPage(sources))
    for (const part of [
      'edge-1',
      'ask edge team',
      '1,500',
      'epoch second: 4 to 1,503, known since 2026-11-22',
      '1,234.50 USD',
    ])
      expect(text).toContain(part)
    for (const part of ['and 7 more gaps', '2 more sources', 'has not spoken of']) expect(text).toContain(part)
  })

  test('L13: what cannot be estimated is not known, and nothing missing is said plainly', () => {
    expect(textOf(sourcesPage({ ...sources, risk: null }))).toContain('not known: there is nothing to estimate it from')
    const good = textOf(sourcesPage({ ...sources, complete: true, rows: [], risk: { amounts: [], how: [] } }))
    expect(good).toContain('Nothing is known to be missing')
    expect(good).not.toContain('Value at risk')
  })
})

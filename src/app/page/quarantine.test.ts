import { describe, expect, test } from 'vitest'
import type { Micros } from '../../core/time.ts'
import { cutLine, lineLengthShown, quarantinePage } from './quarantine.ts'
import type { Frame } from './view.ts'

const now = 1_795_354_631_000_000 as Micros
const frame: Frame = { company: 'Northlight Edge', now, log: { records: 1_000, counted: 1_000, quarantined: 0 } }

function textOf(page: string): string {
  return page
    .replaceAll(/<style>.*?<\/style>/gs, '')
    .replaceAll(/<[^>]*>/g, ' ')
    .replaceAll(/\s+/g, ' ')
}

describe('a line in quarantine', () => {
  test('what was resolved says by whom, why and when, and each state how many it has', () => {
    const counts = { open: 0, released: 1_234, duplicate: 0, written_off: 3 }
    const resolution = { by: 'Ada Osei', reason: 'sign dropped', at: now }
    const row = {
      number: 7,
      source: 'edge-1',
      epoch: null,
      seq: '5',
      received: now,
      code: 'C',
      message: 'M',
      line: 'L',
    }
    const view = { frame, state: 'released', counts, nextHref: null, rows: [{ ...row, resolution }] } as const
    const text = textOf(quarantinePage(view))
    expect(text).toContain('Ada Osei sign dropped 2026-11-22')
    expect(text).toContain('Open 0 Released 1,234 Found counted 0 Written off 3')
    expect(quarantinePage({ ...view, state: 'open', rows: [] })).toContain('Nothing is in quarantine.')
  })

  test('is cut for display, never inside a character, and says how much follows', () => {
    expect(cutLine('short')).toEqual({ shown: 'short', beyond: 0 })
    const long = 'x'.repeat(lineLengthShown - 1) + '😀' + 'y'.repeat(10)
    expect(cutLine(long)).toEqual({ shown: 'x'.repeat(lineLengthShown - 1), beyond: 12 })
  })
})

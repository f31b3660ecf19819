import { describe, expect, test } from 'vitest'
import { formatInstant, hourMicros, parseInstant, windowStarts, zonedOf } from './time.ts'
import type { Micros, Period, WindowSize } from './time.ts'

/** Zones that changed their rules: windows lie where the wall clock of the zone says, whatever it did. */
describe('windows in zones that changed their rules', () => {
  const at = (text: string): Micros => {
    const parsed = parseInstant(text)
    if (!parsed.ok) throw new Error(parsed.error)
    return parsed.value
  }
  const startsOf = (period: Period, size: WindowSize, zone: string): readonly Micros[] => {
    const starts = windowStarts(period, size, zone, 100)
    if (!starts.ok) throw new Error(starts.error)
    return starts.value
  }
  const hoursOf = (from: string, to: string, zone: string, size: WindowSize = 'day'): number[] => {
    const period = { from: at(from), to: at(to) }
    const starts = startsOf(period, size, zone)
    return starts.map((start, index) => ((starts[index + 1] ?? period.to) - start) / hourMicros)
  }

  test('Samoa had no 30 December 2011: the 31st follows the 29th', () => {
    const period = { from: at('2011-12-28T10:00:00Z'), to: at('2012-01-01T10:00:00Z') }
    const dates = startsOf(period, 'day', 'Pacific/Apia').map((start) =>
      zonedOf(start, 'Pacific/Apia').toPlainDateTime().toString(),
    )
    expect(dates).toEqual(['2011-12-28T00:00:00', '2011-12-29T00:00:00', '2011-12-31T00:00:00', '2012-01-01T00:00:00'])
    expect(hoursOf('2011-12-25T10:00:00Z', '2012-01-01T10:00:00Z', 'Pacific/Apia', 'week')).toEqual([24, 144])
  })

  test('Pyongyang put its clock back by half an hour in 2015 and forward again in 2018', () => {
    expect(hoursOf('2015-08-12T15:00:00Z', '2015-08-16T15:30:00Z', 'Asia/Pyongyang')).toEqual([24, 24.5, 24, 24])
    expect(hoursOf('2018-05-02T15:30:00Z', '2018-05-06T15:00:00Z', 'Asia/Pyongyang')).toEqual([24, 23.5, 24, 24])
  })

  test('Caracas: half hours from 2007 to 2016', () => {
    expect(hoursOf('2007-12-08T04:00:00Z', '2007-12-11T04:30:00Z', 'America/Caracas')).toEqual([24, 24.5, 24])
    expect(hoursOf('2016-04-30T04:30:00Z', '2016-05-03T04:00:00Z', 'America/Caracas')).toEqual([24, 23.5, 24])
  })

  test('summer time: 23 and 25 hours; Lord Howe moves by half an hour', () => {
    expect(hoursOf('2026-03-28T23:00:00Z', '2026-03-29T22:00:00Z', 'Europe/Berlin')).toEqual([23])
    expect(hoursOf('2026-10-24T22:00:00Z', '2026-10-25T23:00:00Z', 'Europe/Berlin')).toEqual([25])
    expect(hoursOf('2026-04-04T13:00:00Z', '2026-04-05T13:30:00Z', 'Australia/Lord_Howe')).toEqual([24.5])
    expect(hoursOf('2026-10-24T22:00:00Z', '2026-10-25T23:00:00Z', 'Europe/Berlin', 'hour')).toHaveLength(25)
  })

  test('weeks begin on Monday, also over the end of a year', () => {
    const period = { from: at('2026-12-23T00:00:00Z'), to: at('2027-01-06T00:00:00Z') }
    expect(startsOf(period, 'week', 'UTC').map(formatInstant)).toEqual([
      '2026-12-23T00:00:00Z',
      '2026-12-28T00:00:00Z',
      '2027-01-04T00:00:00Z',
    ])
  })
})

import { describe, expect, test } from 'vitest'
import { factFields, inspectionFields, limits } from '../../core/event.ts'
import type { EventInput, FieldType } from '../../core/event.ts'
import { isKey } from '../../core/ids.ts'
import { hourMicros, parseInstant } from '../../core/time.ts'
import type { Micros } from '../../core/time.ts'
import { sampleCompany, sampleSeed } from './company.ts'
import { sampleSize, sampleTraffic } from './traffic.ts'

function instant(text: string): Micros {
  const parsed = parseInstant(text)
  if (!parsed.ok) throw new Error(`${text} ${parsed.error}`)
  return parsed.value
}

const company = sampleCompany(instant('2026-11-22T13:37:11Z'), sampleSeed)
const events = [...sampleTraffic(company, company.period)]
const finals = events.filter(({ phase }) => phase === undefined || phase === 'final')
const shop = (event: EventInput): boolean => event.endpoint?.endsWith('.harbor-commerce.example') === true

interface Local {
  readonly weekday: string
  readonly hour: number
  readonly month: number
  readonly day: number
}

/** Local fields of an instant, from the platform's own calendar. */
function localIn(timeZone: string): (event: EventInput) => Local {
  const format = new Intl.DateTimeFormat('en-GB', {
    timeZone,
    weekday: 'short',
    month: 'numeric',
    day: 'numeric',
    hour: '2-digit',
    hourCycle: 'h23',
  })
  return ({ time }) => {
    const parts = new Map(format.formatToParts(new Date(time)).map(({ type, value }) => [type, value]))
    return {
      weekday: parts.get('weekday') ?? '',
      hour: Number(parts.get('hour')),
      month: Number(parts.get('month')),
      day: Number(parts.get('day')),
    }
  }
}

function firstHours(seed: number): string[] {
  const other = sampleCompany(instant('2026-11-22T13:37:11Z'), seed)
  const day = { from: company.period.from, to: (company.period.from + 30 * hourMicros) as Micros }
  return Array.from(sampleTraffic(other, day), (event) => JSON.stringify(event))
}

function isValid(type: FieldType, value: unknown): boolean {
  switch (type.kind) {
    case 'text':
      return typeof value === 'string' && value !== '' && value.length <= limits.textLengthMax
    case 'choice':
      return typeof value === 'string' && type.of.includes(value)
    case 'instant':
      return typeof value === 'string' && parseInstant(value).ok
    case 'key':
      return typeof value === 'string' && isKey(value)
    case 'count':
      return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0
    case 'status':
      return typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= 999
    case 'inspection':
      return typeof value === 'string' && value !== '' && value.length <= limits.inspectionTextLengthMax
    case 'decimal':
    case 'attributes':
      return false
  }
}

describe('sampleTraffic', () => {
  test('is the same for the same seed, and another for another seed', () => {
    const again = firstHours(sampleSeed)
    expect(again.length).toBeGreaterThan(1_000)
    expect(again).toEqual(events.slice(0, again.length).map((event) => JSON.stringify(event)))
    expect(firstHours(sampleSeed + 1)).not.toEqual(again)
  })

  test('sampleSize is the number of events, for the whole and for a part that cuts connections off', () => {
    expect(sampleSize(company, company.period)).toBe(events.length)
    const part = { from: company.period.from, to: (company.period.from + 77 * hourMicros) as Micros }
    expect(sampleSize(company, part)).toBe([...sampleTraffic(company, part)].length)
  })

  test('is around 250,000 events, depending on the day of the month', () => {
    expect(events.length).toBeGreaterThan(200_000)
    expect(events.length).toBeLessThan(330_000)
    const onTheFirst = sampleCompany(instant('2026-11-01T00:30:00Z'), sampleSeed)
    expect(sampleSize(onTheFirst, onTheFirst.period)).toBeGreaterThan(130_000)
  })

  test('every source numbers its events from 1 without holes', () => {
    const next = new Map<string, number>()
    const wrong = events.filter(({ source, epoch, seq }) => {
      const expected = (next.get(source) ?? 0) + 1
      next.set(source, expected)
      return seq !== expected || epoch !== 'sample'
    })
    expect(wrong).toEqual([])
    expect(next.size).toBe(9)
  })

  test('every field is one of the event’s fields, with a value of its type', () => {
    const types = new Map<string, FieldType>([...factFields, ...inspectionFields].map(({ name, type }) => [name, type]))
    const wrong = new Set<string>()
    for (const event of events) {
      for (const [name, value] of Object.entries(event)) {
        const type = types.get(name)
        if (type === undefined || !isValid(type, value)) wrong.add(`${name}: ${JSON.stringify(value)}`)
      }
    }
    expect([...wrong]).toEqual([])
  })

  test('all times lie in the period, and streams are a little out of step', () => {
    const times = events.map(({ time }) => instant(time))
    expect(times.every((time) => time >= company.period.from && time < company.period.to)).toBe(true)
    const backwards = times.filter((time, index) => index > 0 && time < (times[index - 1] ?? 0))
    expect(backwards.length).toBeGreaterThan(1_000)
  })

  test('bodies are smaller than what went over the wire', () => {
    const wrong = events.filter(
      (event) =>
        (event.bytes_out_body !== undefined && Number(event.bytes_out_body) >= Number(event.bytes_out_wire)) ||
        (event.bytes_in_body !== undefined && Number(event.bytes_in_body) >= Number(event.bytes_in_wire)),
    )
    expect(wrong).toEqual([])
  })

  test('some sizes are not known, and some are zero (L13)', () => {
    const unknown = finals.filter(
      ({ bytes_out_wire, bytes_out_body }) => bytes_out_wire === undefined && bytes_out_body === undefined,
    )
    expect(unknown.length).toBeGreaterThan(20)
    expect(unknown.length).toBeLessThan(1_000)
    expect(finals.filter((event) => event.bytes_out_body === 0).length).toBeGreaterThan(1_000)
  })

  test('addresses come from the ranges for documentation only', () => {
    const documented = /^(192\.0\.2|198\.51\.100|203\.0\.113)\.\d{1,3}$|^2001:db8:/
    expect(events.filter(({ client_address }) => !documented.test(client_address ?? ''))).toEqual([])
  })

  test('every event of an owned endpoint happened while an account owned it; some endpoints have no owner', () => {
    const owned = new Map<string, number>()
    for (const { endpoint, from } of company.endpoints)
      owned.set(endpoint, Math.min(from, owned.get(endpoint) ?? Number.POSITIVE_INFINITY))
    expect(events.filter(({ endpoint = '', time }) => instant(time) < (owned.get(endpoint) ?? 0))).toEqual([])
    const unowned = new Set(events.flatMap(({ endpoint = '' }) => (owned.has(endpoint) ? [] : [endpoint])))
    expect([...unowned].toSorted()).toEqual(['old-status.northlight.example', 'tcp-7.northlight.example:20555'])
  })

  test('one account has no traffic at all, all other endpoints have some', () => {
    const seen = new Set(events.map(({ endpoint }) => endpoint))
    const silent = new Set(company.endpoints.flatMap(({ endpoint }) => (seen.has(endpoint) ? [] : [endpoint])))
    expect([...silent]).toEqual(['www.old-mill-museum.example'])
  })
})

describe('the rhythms of the sample', () => {
  test('the office works on weekdays between six and eight', () => {
    const office = finals.filter(({ endpoint }) => endpoint === 'app.kontorwerk.example')
    const at = office.map(localIn('Europe/Berlin'))
    const tuesday = at.filter(({ weekday }) => weekday === 'Tue').length
    expect(tuesday).toBeGreaterThan(1_000)
    expect(at.filter(({ weekday }) => weekday === 'Sat').length * 4).toBeLessThan(tuesday)
    expect(at.filter(({ weekday }) => weekday === 'Sun')).toEqual([])
    expect(at.filter(({ hour }) => hour < 6 || hour >= 20)).toEqual([])
  })

  test('the nightly job runs at night in London', () => {
    const batch = finals.filter(({ endpoint }) => endpoint === 'intake.nightjar-data.example')
    const hours = new Set(batch.map(localIn('Europe/London')).map(({ hour }) => hour))
    expect([...hours].toSorted((a, b) => a - b)).toEqual([1, 2, 3, 4, 5].filter((hour) => hours.has(hour)))
    expect(batch.length).toBeGreaterThan(5_000)
  })

  test('the hobbyist is busiest at the weekend', () => {
    const mira = finals.filter(({ endpoint }) => endpoint === 'mira.northlight.example')
    const at = mira.map(localIn('Australia/Sydney'))
    const on = (day: string): number => at.filter(({ weekday }) => weekday === day).length
    expect(on('Sun')).toBeGreaterThan(on('Mon'))
  })

  test('the shop’s launch day is far above its neighbours, and its first month above the allowance', () => {
    const days = new Map<number, number>()
    for (const { month, day } of finals.filter(shop).map(localIn('America/New_York'))) {
      if (month === 10) days.set(day, (days.get(day) ?? 0) + 1)
    }
    expect(days.get(17)).toBeGreaterThan(2 * (days.get(16) ?? 0))
    expect([...days.values()].reduce((total, count) => total + count, 0)).toBeGreaterThan(100_000)
  })

  test('the bot is one client with its own user agent, mostly refused', () => {
    const bot = finals.filter(({ user_agent }) => user_agent?.startsWith('PriceHarvester'))
    expect(bot.length).toBeGreaterThan(10_000)
    expect(new Set(bot.map(({ client_address }) => client_address)).size).toBe(1)
    expect(bot.filter(({ status }) => status === 429 || status === 403).length * 10).toBeGreaterThan(bot.length * 8)
  })

  test('long websockets are recorded hour by hour and closed once', () => {
    const sessions = Map.groupBy(
      events.filter(({ status }) => status === 101),
      ({ session }) => session,
    )
    const long = [...sessions.values()].filter((records) => records.length >= 8)
    expect(long.length).toBeGreaterThan(10)
    for (const records of long) {
      const hours = records.map(({ time }) => Math.floor(instant(time) / hourMicros))
      const [first = 0] = hours
      // One record in every hour of its life, the last one final unless it is still open.
      expect(hours).toEqual(hours.map((_, index) => first + index))
      expect(records.slice(0, -1).every(({ phase }) => phase === 'interim')).toBe(true)
      expect(new Set(records.map(({ source }) => source)).size).toBe(1)
    }
    const open = [...sessions.values()].filter((records) => records.every(({ phase }) => phase === 'interim'))
    expect(open.length).toBeLessThan(60)
  })

  test('there are TCP and TLS connections, without bodies', () => {
    const kinds = Map.groupBy(finals, ({ kind }) => kind)
    expect(kinds.get('tcp_connection')?.length).toBeGreaterThan(5_000)
    expect(kinds.get('tls_connection')?.length).toBeGreaterThan(5_000)
    expect(kinds.get('tcp_connection')?.filter((event) => event.bytes_out_body !== undefined)).toEqual([])
  })
})

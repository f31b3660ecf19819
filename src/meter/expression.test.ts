import { describe, expect, test } from 'vitest'
import { formatExact } from '../core/exact.ts'
import { checkRange } from '../store/expression-range.ts'
import { formatExpression } from './expression-text.ts'
import { evaluate } from './expression-value.ts'
import { parseExpression } from './expression.ts'

const event: Readonly<Record<string, string>> = {
  method: 'GET',
  status: '503',
  bytes_out_wire: '1000',
  bytes_in_wire: '129',
  'attributes.units': '2.50',
  'attributes.odd-name': '7',
}

/** What the text is worth for the event above; the problems when it cannot be read. */
function value(text: string): string | null {
  const parsed = parseExpression(text)
  if (!parsed.ok) return parsed.error.join(' | ')
  const worth = evaluate(parsed.value, (field) => event[field] ?? null)
  return worth === null ? null : formatExact(worth)
}

describe('expressions as text', () => {
  // By hand.
  test.each([
    ['bytes_out_wire + bytes_in_wire', '1129'],
    ['bytes_out_wire - 2 * bytes_in_wire', '742'],
    ['(bytes_out_wire - 2) * bytes_in_wire', '128742'],
    ['-bytes_in_wire + 1', '-128'],
    ['if(status >= 500, 0, bytes_out_wire)', '0'],
    ['status < 500 ? bytes_out_wire : bytes_in_wire', '129'],
    ['method == "GET" && !(status == 200) ? 1 : 0', '1'],
    ["method != 'GET' || status > 1000 ? 1 : 0", '0'],
    ['ceil_div(bytes_in_wire, 128)', '2'],
    ['floor_div(bytes_in_wire, 128)', '1'],
    ['ceil_div(0 - bytes_in_wire, 128)', '-1'],
    ['floor_div(0 - bytes_in_wire, 128)', '-2'],
    ['ceil_div(number(attributes.units), 2)', '2'],
    ['number(attributes.units) * 3', '7.5'],
    ['number(attributes["odd-name"])', '7'],
    ['bytes_in_wire / 8', '16.125'],
    ['bytes_in_wire / 1024', '0.1259765625'],
    ['least(bytes_out_wire, bytes_in_wire, 500)', '129'],
    ['greatest(bytes_out_wire, bytes_in_wire)', '1000'],
    ['coalesce(bytes_out_body, bytes_out_wire, 0)', '1000'],
    // What is absent makes the whole absent, unless it does not matter.
    ['bytes_out_wire + bytes_out_body', null],
    ['least(bytes_out_wire, bytes_out_body)', null],
    ['if(asn == 1, 1, 2)', null],
    ['if(status == 503, 1, bytes_out_body)', '1'],
    ['if(status == 1 && asn == 1, 1, 2)', '2'],
    ['if(status == 503 || asn == 1, 1, 2)', '1'],
    ['if(known(asn) && asn == 1, 1, 2)', '2'],
    ['if(known(endpoint), 1, 2)', '2'],
    ['number(attributes.units, 1)', null],
    ['number(attributes.units, 2)', '2.5'],
  ])('%s is %s', (text, wanted) => expect(value(text)).toBe(wanted))

  test.each([
    ['', 'it is empty'],
    ['bytes_out_wire bytes_in_wire', 'it is more than one expression: an operator is missing'],
    ['bytes_out_wire +', 'it cannot be read at character 17 (its end): Expected expression after +'],
    [
      'bytes_out_wier + asm',
      'there is no field "bytes_out_wier". Did you mean bytes_out_wire? | there is no field "asm". Did you mean asn?',
    ],
    ['attributes.units * 2', 'attributes.units is a text: write number(attributes.units) left of *'],
    [
      'attributes.units == 2 ? 1 : 0',
      'attributes.units is a text: compare number(attributes.units), or put the number in quotes',
    ],
    ['if(status == "500", 1, 0)', 'status is a number: compare it with one, without quotes'],
    ['if(method > "A", 1, 0)', 'texts are compared with == and !=, not with >'],
    ['if(method == method2, 1, 0)', 'there is no field "method2". Did you mean method?'],
    ['status >= 500', 'it is a condition, true or false: write if(…, 1, 0) to count where it is true'],
    ['bytes_out_wire / bytes_in_wire', 'below / stands something else than a written number such as 128'],
    ['bytes_out_wire / 0', 'nothing is divided by 0'],
    ['bytes_out_wire % 2', 'there is no operator %: ceil_div and floor_div divide into whole parts'],
    ['bytes_out_wire ?? 0', 'there is no operator ??: write coalesce(a, b)'],
    ['if(status === 500, 1, 0)', 'there is no operator ===: write =='],
    ['ceil_div(bytes_out_wire, 0)', 'ceil_div divides by a whole number above 0, with at most 19 digits, not by 0'],
    ['ceil_div(bytes_out_wire, 1.5)', 'ceil_div divides by a whole number above 0, with at most 19 digits, not by 1.5'],
    ['celi_div(bytes_out_wire, 2)', 'there is no function "celi_div". Did you mean ceil_div?'],
    ['1e5', '1e5 is not a plain decimal: write it like 12 or 0.5, at most 60 digits before and 30 after the point'],
    ['time', 'time is neither an amount nor a word, so there is nothing to compute with'],
    ['constructor', expect.stringContaining('there is no field "constructor"')],
    ['__proto__.x', 'only attributes has parts: attributes.NAME'],
    ['attributes["a;b"]', expect.stringContaining('is not the name of an attribute')],
    ['this', 'it has a part that is not an amount, a comparison or a function'],
    ['[1]', 'it has a part that is not an amount, a comparison or a function'],
  ])('%s is refused: %s', (text, wanted) => expect(value(text)).toEqual(wanted))

  test('division without an end of decimals is refused with what to do instead', () => {
    expect(value('bytes_out_wire / 3')).toContain('give the price "unit": {"name": …, "per": "3"}')
  })

  test.each([
    ['a few characters too many', '1 + '.repeat(250) + '1'],
    ['parentheses', `${'('.repeat(499)}1${')'.repeat(499)}`],
    ['conditions within conditions', 'status>1?'.repeat(100) + '1' + ':0'.repeat(100).slice(0, 90)],
    ['signs', `${'-'.repeat(999)}1`],
  ])('L12: %s do no harm', (_, text) => {
    const parsed = parseExpression(text)
    if (parsed.ok) expect(formatExpression(parsed.value).length).toBeLessThan(10)
    else expect(parsed.error[0]).toMatch(/more than|cannot be read|within each other/)
  })

  test.each([
    ['a - (b - c)', 'bytes_out_wire - (bytes_in_wire - 1)'],
    ['loose in tight', '(bytes_out_wire + 1) * 2 / 8'],
    ['conditions', 'if((status == 1 || status == 2) && !(method == "G\\"E\\\\T"), 1, 0)'],
    ['a number that is negative', 'bytes_out_wire - -1'],
    ['an odd attribute', 'number(attributes["odd-name"], 3)'],
  ])('written again with no more parentheses than needed: %s', (_, text) => {
    const parsed = parseExpression(text)
    expect(parsed.ok && formatExpression(parsed.value)).toBe(text)
  })
})

describe('L4: what could leave the exact numbers is refused before a single event is looked at', () => {
  const events = 10n ** 13n
  const problem = (text: string): string | null => {
    const parsed = parseExpression(text)
    if (!parsed.ok) throw new Error(parsed.error.join())
    const found = checkRange(parsed.value, events)
    return found === null ? null : `${found.kind} ${formatExpression(found.at)}`
  }

  test.each([
    // 2^64 × 2^64 × 10^13 events has 52 digits, of 58.
    ['bytes_out_wire * bytes_in_wire', null],
    ['bytes_out_wire * bytes_in_wire * bytes_out_body', 'digits bytes_out_wire * bytes_in_wire * bytes_out_body'],
    ['quantity', null],
    ['quantity * bytes_out_wire', 'digits quantity * bytes_out_wire'],
    ['quantity * status', null],
    ['bytes_out_wire * number(attributes.weight)', null],
    ['quantity / 1000', 'decimals quantity / 1000'],
    ['quantity * 0.5', 'decimals quantity * 0.5'],
    ['quantity * 5', null],
    ['bytes_out_wire / 1000', null],
    ['number(attributes.units, 3) / 1000', null],
    // Whole again, so the decimals on the way do not matter.
    ['ceil_div(number(attributes.units, 9) * 0.5, 3)', null],
    ['ceil_div(quantity * quantity, 2)', 'digits quantity * quantity'],
    ['if(quantity * quantity > 1, 1, 0)', 'digits quantity * quantity'],
    // A part that is too large is named, not only the whole.
    [
      '1 + (bytes_out_wire * bytes_in_wire * bytes_out_body * bytes_in_body * status)',
      'digits bytes_out_wire * bytes_in_wire * bytes_out_body * bytes_in_body',
    ],
  ])('%s: %s', (text, wanted) => expect(problem(text)).toBe(wanted))
})

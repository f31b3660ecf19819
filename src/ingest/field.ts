import type { ErrorCode } from '../core/errors.ts'
import { limits } from '../core/event.ts'
import type { FieldType } from '../core/event.ts'
import { withoutEndZeros } from '../core/exact-json.ts'
import { isKey } from '../core/ids.ts'
import { parseInstant } from '../core/time.ts'
import { ExactNumber } from './json.ts'

/** A checked value in its canonical form. */
export type Value = string | number | Readonly<Record<string, string>>

/** Why a value was refused; the field's name stands before the message. */
export class Bad {
  readonly code: ErrorCode
  readonly message: string
  constructor(code: ErrorCode, message: string) {
    this.code = code
    this.message = message
  }
}

const uint64Max = 2n ** 64n - 1n
// Control characters have no place in names, and break those who read them line by line.
// oxlint-disable-next-line no-control-regex
const control = /[\u0000-\u001f\u007f]/

export function readText(value: unknown): string | Bad {
  if (typeof value !== 'string') return new Bad('EVENT_FIELD_INVALID', 'is a text')
  if (value === '') return new Bad('EVENT_FIELD_INVALID', 'is empty; leave it out when it is not known')
  if (value.length > limits.textLengthMax) {
    return new Bad('EVENT_FIELD_OUT_OF_RANGE', `has ${value.length} characters, at most ${limits.textLengthMax}`)
  }
  if (control.test(value) || !value.isWellFormed()) {
    return new Bad('EVENT_FIELD_INVALID', 'has control characters or broken Unicode')
  }
  return value
}

export function readCount(value: unknown): Value | Bad {
  if (typeof value === 'number') {
    // A number that a double may not hold arrives as ExactNumber (see json.ts), so this one is what was written.
    if (!Number.isSafeInteger(value)) return new Bad('EVENT_FIELD_INVALID', 'is a whole number')
    return value < 0 ? new Bad('EVENT_FIELD_OUT_OF_RANGE', 'is negative') : String(value)
  }
  const text = value instanceof ExactNumber ? value.text : value
  if (typeof text !== 'string' || !/^-?\d+$/.test(text)) {
    return new Bad('EVENT_FIELD_INVALID', 'is a whole number, or a decimal string such as "9007199254740993"')
  }
  // BigInt takes its time over a million digits.
  const count = text.length > 100 ? uint64Max + 1n : BigInt(text)
  if (count < 0n) return new Bad('EVENT_FIELD_OUT_OF_RANGE', 'is negative')
  if (count > uint64Max) return new Bad('EVENT_FIELD_OUT_OF_RANGE', 'is greater than 18446744073709551615 (2^64 - 1)')
  return count.toString()
}

function readStatus(value: unknown): Value | Bad {
  return typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= 999
    ? value
    : new Bad('EVENT_FIELD_INVALID', 'is a whole number from 0 to 999')
}

function readDecimal(value: unknown): Value | Bad {
  const text = typeof value === 'number' ? String(value) : value instanceof ExactNumber ? value.text : value
  const { quantityIntegerDigitsMax: whole, quantityFractionDigitsMax: fraction } = limits
  // No part of the pattern can take what another part could, so a hostile text of any length is read once.
  const match = typeof text === 'string' ? /^(-?)(\d+)(?:\.(\d+))?$/.exec(text) : null
  if (match === null) return new Bad('EVENT_FIELD_INVALID', 'is a plain decimal such as "1.5", without an exponent')
  const [, sign, digits = '', below = ''] = match
  const integer = digits.replace(/^0+(?=\d)/, '')
  const trimmed = withoutEndZeros(below)
  if (integer.length > whole || trimmed.length > fraction) {
    return new Bad('EVENT_FIELD_OUT_OF_RANGE', `has more than ${whole} digits before or ${fraction} after the point`)
  }
  const magnitude = trimmed === '' ? integer : `${integer}.${trimmed}`
  return magnitude === '0' ? magnitude : `${sign}${magnitude}`
}

function readAttributes(value: unknown): Value | Bad {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    return new Bad('EVENT_FIELD_INVALID', 'is an object from text to text')
  }
  const entries = Object.entries(value)
  if (entries.length > limits.attributesMax) {
    return new Bad('EVENT_FIELD_OUT_OF_RANGE', `has ${entries.length} entries, at most ${limits.attributesMax}`)
  }
  for (const [key, item] of entries) {
    if (!/^[\w.-]+$/.test(key) || key.length > limits.attributeKeyLengthMax) {
      return new Bad(
        'EVENT_FIELD_INVALID',
        `has a name that is not letters, digits, ".", "_" or "-" (at most ${limits.attributeKeyLengthMax})`,
      )
    }
    if (typeof item !== 'string' || item.length > limits.attributeValueLengthMax || !item.isWellFormed()) {
      return new Bad(
        'EVENT_FIELD_INVALID',
        `"${key}" is not a text of at most ${limits.attributeValueLengthMax} characters`,
      )
    }
  }
  // Sorted, so that equal content has one canonical form. Keys match ^[\w.-]+$, so code units order them.
  return Object.fromEntries((entries as [string, string][]).sort(([a], [b]) => (a < b ? -1 : 1)))
}

function readInstant(value: unknown): Value | Bad {
  if (typeof value !== 'string') return new Bad('EVENT_TIME_INVALID', 'is an RFC 3339 time as text, with a zone')
  const parsed = parseInstant(value)
  return parsed.ok ? parsed.value : new Bad('EVENT_TIME_INVALID', parsed.error)
}

function readKey(value: unknown): Value | Bad {
  return typeof value === 'string' && isKey(value)
    ? value
    : new Bad(
        'EVENT_FIELD_INVALID',
        'is a key: letters, digits and . _ : @ / + - (at most 128, the first a letter or digit)',
      )
}

function readInspection(value: unknown): Value | Bad {
  if (typeof value !== 'string') return new Bad('EVENT_FIELD_INVALID', 'is a text')
  return value.slice(0, limits.inspectionTextLengthMax).toWellFormed()
}

/** The reader of a field's type: canonical value, or the reason against it. */
export function readerOf(type: FieldType): (value: unknown) => Value | Bad {
  switch (type.kind) {
    case 'text':
      return readText
    case 'choice':
      return (value) =>
        typeof value === 'string' && type.of.includes(value)
          ? value
          : new Bad('EVENT_FIELD_INVALID', `is one of ${type.of.join(', ')}`)
    case 'instant':
      return readInstant
    case 'key':
      return readKey
    case 'count':
      return readCount
    case 'status':
      return readStatus
    case 'decimal':
      return readDecimal
    case 'attributes':
      return readAttributes
    case 'inspection':
      return readInspection
  }
}

import { didYouMean } from '../core/did-you-mean.ts'
import type { Problem } from '../core/errors.ts'
import { factFields } from '../core/event.ts'
import { isDimension } from '../store/condition.ts'
import type { Dimension } from '../store/condition.ts'

export const limits = { valuesMax: 100, textLengthMax: 255 } as const

export type Loose = Readonly<Record<string, unknown>>

export function isObject(value: unknown): value is Loose {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

const dimensions: readonly string[] = factFields.map(({ name }) => name).filter(isDimension)

/**
 * Reads a document field by field and collects every problem, so that somebody who writes one is told all of them at
 * once. A reader that failed gives null; what contains it then gives null too, without a problem of its own.
 */
export class Reader {
  readonly problems: Problem[] = []
  /** A stored definition is read as it is: rules that came after it was stored do not make it unreadable. */
  readonly isStored: boolean

  constructor(kind: 'new' | 'stored') {
    this.isStored = kind === 'stored'
  }

  problem(field: string, message: string): null {
    this.problems.push({ code: 'REQUEST_INVALID', field, message })
    return null
  }

  /** An object with no other fields than these. */
  object(value: unknown, path: string, fields: readonly string[]): Loose | null {
    if (!isObject(value)) return this.problem(path, `is an object with ${fields.join(', ')}`)
    if (this.isStored) return value
    for (const name of Object.keys(value).filter((name) => !fields.includes(name))) {
      const guess = didYouMean(name, fields) || ` There are ${fields.join(', ')}.`
      this.problem(path === '' ? name : `${path}.${name}`, `is not a field here.${guess}`)
    }
    return value
  }

  text(value: unknown, path: string, about: string): string | null {
    if (typeof value === 'string' && value.trim() !== '' && value.length <= limits.textLengthMax) return value
    return this.problem(path, about)
  }

  choice<Choice extends string>(value: unknown, path: string, of: readonly Choice[]): Choice | null {
    const found = of.find((one) => one === value)
    if (found !== undefined) return found
    const guess = typeof value === 'string' ? didYouMean(value, of) : ''
    return this.problem(path, `is one of ${of.join(', ')}.${guess}`)
  }

  dimension(value: unknown, path: string): Dimension | null {
    if (typeof value === 'string' && isDimension(value)) return value
    if (typeof value !== 'string')
      return this.problem(path, 'is the name of a field, such as "endpoint", or attributes.NAME')
    if (value.startsWith('attributes'))
      return this.problem(path, 'an attribute is named attributes.NAME: letters, digits, "_", "-" and ".", at most 64')
    const guess = didYouMean(value, dimensions) || ` Your own are named attributes.NAME.`
    return this.problem(path, `there is no field "${value.slice(0, 80)}".${guess}`)
  }

  /** Texts, or whole numbers for them. */
  texts(value: unknown, path: string): readonly string[] | null {
    const isList = Array.isArray(value) && value.length <= limits.valuesMax
    if (!isList) return this.problem(path, `is a list of at most ${limits.valuesMax} texts`)
    const texts = value.map((one: unknown) => (Number.isSafeInteger(one) ? String(one) : one))
    if (!texts.every((one): one is string => typeof one === 'string'))
      return this.problem(path, 'is a list of texts, such as ["200"]')
    if (texts.length === 0 && !this.isStored) return this.problem(path, 'is empty, so nothing would ever match')
    return texts
  }

  /** A whole number as text, or as a JSON number that holds it exactly. */
  whole(value: unknown, path: string): string | null {
    const text = Number.isSafeInteger(value) ? String(value) : value
    if (typeof text === 'string' && /^\d{1,38}$/.test(text)) return text
    return this.problem(path, 'is a whole number from 0, as text ("500") or number')
  }
}

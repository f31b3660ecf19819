/**
 * JSON.parse that loses no digit (L4), for every door: a whole number that a double holds is a number, and all others
 * are what `exact` makes of their digits. `5.00000000000000001` is not 5, and `1.5e3` is 1500.
 */
export interface ExactJson {
  /** Whether something in what was parsed (or in its text) may have lost a digit. */
  readonly isDoubtful: (value: unknown, text: string) => boolean
  /** Plain digits such as `9007199254740993` or `0.1`; the text as it was sent where its exponent is beyond bounds. */
  readonly exact: (digits: string) => unknown
}

/** Beyond it a number has no place in an event, and its digits are not written out. */
const exponentMax = 400

/** Not by `/0+$/`, which looks at every run of zeros again and again. */
export function withoutEndZeros(digits: string): string {
  let end = digits.length
  while (end > 0 && digits[end - 1] === '0') end -= 1
  return digits.slice(0, end)
}

/** A number as JSON writes it that is plain already: no exponent, and no zero at the end of a fraction. */
const plain = /^-?\d+(?:\.\d*[1-9])?$/

/** `1.5e3` as `1500`; null when the exponent is beyond all bounds. */
function plainDigits(source: string): string | null {
  if (plain.test(source)) return source
  const match = /^(-?)(\d+)(?:\.(\d+))?(?:[eE]([+-]?\d+))?$/.exec(source)
  if (match === null) return null
  const [, sign = '', whole = '', fraction = '', exponent = '0'] = match
  const shift = Number(exponent)
  if (Math.abs(shift) > exponentMax) return null
  const digits = `${'0'.repeat(Math.max(0, -shift))}${whole}${fraction}${'0'.repeat(Math.max(0, shift))}`
  const point = Math.max(0, -shift) + whole.length + shift
  const below = withoutEndZeros(digits.slice(point))
  return `${sign}${digits.slice(0, point).replace(/^0+(?=\d)/, '')}${below === '' ? '' : `.${below}`}`
}

interface Source {
  readonly source?: string
}

/** Throws what JSON.parse throws. */
export function parseExactJson(text: string, { isDoubtful, exact }: ExactJson): unknown {
  const value: unknown = JSON.parse(text)
  // The exact way looks at every number's own text and is several times slower, so it is taken on doubt only.
  // What is written as a whole number and parsed as a safe one cannot have lost anything.
  if (!isDoubtful(value, text)) return value
  const keepExact = (_key: string, value: unknown, { source }: Source): unknown => {
    if (typeof value !== 'number' || source === undefined) return value
    const digits = plainDigits(source)
    return digits !== null && Number.isSafeInteger(value) && String(value) === digits ? value : exact(digits ?? source)
  }
  return JSON.parse(text, keepExact as (key: string, value: unknown) => unknown)
}

import {
  add,
  compare,
  divide,
  exactOf,
  larger,
  multiply,
  roundToInteger,
  smaller,
  subtract,
  zero,
} from '../../core/exact.ts'
import type { Exact } from '../../core/exact.ts'
import { assert, fail, ok } from '../../core/result.ts'
import type { Result } from '../../core/result.ts'
import type { TraceStep } from './trace.ts'
import { roundQuantity } from './unit.ts'

/** The words of a formula and how far it has been read. */
interface Cursor {
  readonly words: readonly string[]
  at: number
}

function take(cursor: Cursor): string {
  const word = cursor.words[cursor.at]
  assert(word !== undefined, 'the formula goes on')
  cursor.at += 1
  return word
}

function expectWord(cursor: Cursor, expected: string): void {
  const word = take(cursor)
  assert(word === expected, `"${expected}" stands in the formula where "${word}" is`)
}

function round(value: Exact, digits: Exact): Exact {
  const places = Number(roundToInteger(digits, 0))
  return exactOf(roundToInteger(value, places), places)
}

function call(name: string, left: Exact, right: Exact): Exact {
  if (name === 'min') return smaller(left, right)
  if (name === 'max') return larger(left, right)
  assert(name === 'round', `${name} is min, max or round`)
  return round(left, right)
}

/** Any number of digits: a product of two 18-decimal numbers has 36. */
function readNumber(word: string): Exact {
  const [whole = '', decimals = ''] = word.split('.')
  return exactOf(BigInt(whole + decimals), decimals.length)
}

function readOperand(cursor: Cursor): Exact {
  const word = take(cursor)
  if (word === '-') return subtract(zero, readOperand(cursor))
  if (word === '(') {
    const value = readSum(cursor)
    expectWord(cursor, ')')
    return value
  }
  if (!/^[a-z]+$/.test(word)) return readNumber(word)
  expectWord(cursor, '(')
  const left = readSum(cursor)
  if (word === 'ceil' || word === 'floor') {
    expectWord(cursor, ')')
    return roundQuantity(left, { mode: word === 'ceil' ? 'up' : 'down', decimals: 0 })
  }
  expectWord(cursor, ',')
  const right = readSum(cursor)
  expectWord(cursor, ')')
  return call(word, left, right)
}

function readProduct(cursor: Cursor): Exact {
  let value = readOperand(cursor)
  while (cursor.words[cursor.at] === '*' || cursor.words[cursor.at] === '/') {
    const next = take(cursor) === '*' ? multiply : divide
    value = next(value, readOperand(cursor))
  }
  return value
}

function readSum(cursor: Cursor): Exact {
  let value = readProduct(cursor)
  while (cursor.words[cursor.at] === '+' || cursor.words[cursor.at] === '-') {
    const next = take(cursor) === '+' ? add : subtract
    value = next(value, readProduct(cursor))
  }
  return value
}

/** The exact value of a formula of a trace. The formulas are our own, so a malformed one is a bug and throws. */
export function evaluateFormula(formula: string): Exact {
  const words = formula.match(/\d+(?:\.\d+)?|[a-z]+|[-+*/(),]/g) ?? []
  assert(words.join('') === formula.replaceAll(' ', ''), `"${formula}" has only numbers and operators`)
  const cursor: Cursor = { words, at: 0 }
  const value = readSum(cursor)
  assert(cursor.at === words.length, `"${formula}" was read to its end`)
  return value
}

/**
 * Calculates every step again, those of its parts too; answers the last result, or the first step that does not give
 * what it says.
 */
export function replayTrace(trace: readonly TraceStep[]): Result<Exact, TraceStep> {
  let last = zero
  for (const step of trace) {
    last = evaluateFormula(step.formula)
    if (compare(last, evaluateFormula(step.result)) !== 0) return fail(step)
    if (step.parts === undefined || step.parts.length === 0) continue
    let total = zero
    for (const part of step.parts) {
      const replayed = replayTrace(part)
      if (!replayed.ok) return replayed
      total = add(total, replayed.value)
    }
    if (compare(total, last) !== 0) return fail(step)
  }
  return ok(last)
}

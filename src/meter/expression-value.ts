/**
 * What an expression is worth, event by event, in plain code: the other way to the number that the store computes. Tests
 * hold the two against each other.
 */
import {
  add,
  compare,
  divide,
  exact,
  floorToInteger,
  larger,
  multiply,
  parseExact,
  smaller,
  subtract,
  zero,
} from '../core/exact.ts'
import type { Exact } from '../core/exact.ts'
import { unreachable } from '../core/result.ts'
import type { Dimension } from '../store/condition.ts'
import { attributeDigits } from '../store/expression-range.ts'
import type { Comparison, Expression, Test, Text } from '../store/expression.ts'

/** A fact or attribute of an event as text; null when the event does not carry it. */
export type ReadFact = (field: Dimension) => string | null

function attributeValue(text: string | null, decimals: number): Exact | null {
  if (text === null) return null
  const match = /^-?(\d+)(?:\.(\d+))?$/.exec(text)
  const isRead = match !== null && (match[1] ?? '').length <= attributeDigits && (match[2] ?? '').length <= decimals
  const parsed = isRead ? parseExact(text) : null
  return parsed?.ok === true ? parsed.value : null
}

/** value / by, down to a whole number. */
function floorOf(value: Exact, by: Exact): Exact {
  return exact(floorToInteger(divide(value, by), 0))
}

function both(left: Exact | null, right: Exact | null, combine: (a: Exact, b: Exact) => Exact): Exact | null {
  return left === null || right === null ? null : combine(left, right)
}

function holds(operator: Comparison, order: number): boolean {
  switch (operator) {
    case '==':
      return order === 0
    case '!=':
      return order !== 0
    case '<':
      return order < 0
    case '<=':
      return order <= 0
    case '>':
      return order > 0
    case '>=':
      return order >= 0
    default:
      return unreachable(operator)
  }
}

/** True, false, or null where it is not known. */
function evaluateTest(test: Test, fact: ReadFact): boolean | null {
  const text = (of: Text): string | null => (of.kind === 'text' ? of.text : fact(of.field))
  switch (test.kind) {
    case 'compare': {
      const [left, right] = [evaluate(test.left, fact), evaluate(test.right, fact)]
      return left === null || right === null ? null : holds(test.operator, compare(left, right))
    }
    case 'same': {
      const [left, right] = [text(test.left), text(test.right)]
      return left === null || right === null ? null : (left === right) === (test.operator === '==')
    }
    case 'known': {
      const { of } = test
      return (of.kind === 'text' || of.kind === 'dimension' ? text(of) : evaluate(of, fact)) !== null
    }
    case 'and':
    case 'or': {
      // One side decides alone when it is false for `and`, true for `or`.
      const decisive = test.kind === 'or'
      const sides = new Set([evaluateTest(test.left, fact), evaluateTest(test.right, fact)])
      if (sides.has(decisive)) return decisive
      return sides.has(null) ? null : !decisive
    }
    case 'not': {
      const of = evaluateTest(test.of, fact)
      return of === null ? null : !of
    }
    default:
      return unreachable(test)
  }
}

/** The value of an event, or null where it is absent. */
export function evaluate(expression: Expression, fact: ReadFact): Exact | null {
  switch (expression.kind) {
    case 'field': {
      const text = fact(expression.field)
      return text === null ? null : exact(text)
    }
    case 'attribute':
      return attributeValue(fact(expression.field), expression.decimals)
    case 'literal':
      return exact(expression.value)
    case 'add':
      return both(evaluate(expression.left, fact), evaluate(expression.right, fact), add)
    case 'subtract':
      return both(evaluate(expression.left, fact), evaluate(expression.right, fact), subtract)
    case 'multiply':
      return both(evaluate(expression.left, fact), evaluate(expression.right, fact), multiply)
    case 'negate':
      return both(zero, evaluate(expression.of, fact), subtract)
    case 'divide':
      return both(evaluate(expression.of, fact), exact(expression.by), divide)
    case 'floor_div':
      return both(evaluate(expression.of, fact), exact(expression.by), floorOf)
    case 'ceil_div': {
      const negative = both(zero, evaluate(expression.of, fact), subtract)
      return both(zero, both(negative, exact(expression.by), floorOf), subtract)
    }
    case 'if': {
      const test = evaluateTest(expression.test, fact)
      return test === null ? null : evaluate(test ? expression.yes : expression.no, fact)
    }
    case 'least':
    case 'greatest': {
      const pick = expression.kind === 'least' ? smaller : larger
      return expression.of.map((value) => evaluate(value, fact)).reduce((a, b) => both(a, b, pick))
    }
    case 'coalesce':
      return expression.of.map((value) => evaluate(value, fact)).find((value) => value !== null) ?? null
    default:
      return unreachable(expression)
  }
}

/**
 * Expressions as people write them: `bytes_out_wire + bytes_in_wire`, `if(status >= 500, 0, bytes_out_wire)`. Read once,
 * here; what the store computes and what a price is paid for is the tree that this returns, never the text.
 */
import jsep from 'jsep'
import { didYouMean } from '../core/did-you-mean.ts'
import { factFields } from '../core/event.ts'
import { decimalsOf, divide, exact, formatExact, parseExact, zero, compare } from '../core/exact.ts'
import { fail, ok, unreachable } from '../core/result.ts'
import type { Result } from '../core/result.ts'
import { isDimension } from '../store/condition.ts'
import type { Dimension } from '../store/condition.ts'
import { comparisons, isNumberField, numberFields } from '../store/expression.ts'
import type { Comparison, Expression, Test, Text } from '../store/expression.ts'
import { limits as rangeLimits, partsOf } from '../store/expression-range.ts'

export const limits = {
  textLengthMax: 1_000,
  /** Parts within parts; a condition is written into the statement twice, so depth is what makes one large. */
  depthMax: 40,
  /** Numbers, fields and operations in the statement, the repeated ones counted again. */
  weightMax: 2_000,
} as const

/** Facts whose values are words: they are compared with == and !=. */
const wordFields = factFields
  .filter(({ type: { kind } }) => kind === 'text' || kind === 'choice' || kind === 'key')
  .map(({ name }) => name)

const functionNames = ['if', 'least', 'greatest', 'coalesce', 'ceil_div', 'floor_div', 'number', 'known'] as const
type FunctionName = (typeof functionNames)[number]

/** A part of a text, as what it can be used. */
type Part =
  | { readonly is: 'number'; readonly number: Expression }
  | { readonly is: 'text'; readonly text: Text }
  | { readonly is: 'test'; readonly test: Test }

/** Ends the reading of one expression; never leaves this file. */
class Unreadable extends Error {}

function refuse(message: string): never {
  throw new Unreadable(message)
}

const about = { number: 'a number', text: 'a text', test: 'true or false' } as const

function numberOf(part: Part, where: string): Expression {
  if (part.is === 'number') return part.number
  if (part.is === 'text' && part.text.kind === 'dimension' && part.text.field.startsWith('attributes.'))
    refuse(`${part.text.field} is a text: write number(${part.text.field}) ${where}`)
  return refuse(`${where} stands ${about[part.is]}, where a number is needed`)
}

function testOf(part: Part, where: string): Test {
  if (part.is === 'test') return part.test
  return refuse(`${where} stands ${about[part.is]}, where a condition such as status >= 500 is needed`)
}

function nameOf(name: string): Part {
  if (isNumberField(name)) return { is: 'number', number: { kind: 'field', field: name } }
  const word = wordFields.find((field) => field === name)
  if (word !== undefined) return { is: 'text', text: { kind: 'dimension', field: word } }
  if (name === 'attributes') refuse('attributes is many values: name one, such as attributes.units')
  if ((functionNames as readonly string[]).includes(name)) refuse(`${name} is a function: write ${name}(…)`)
  const fact = factFields.find((field) => field.name === name)
  if (fact !== undefined) refuse(`${name} is neither an amount nor a word, so there is nothing to compute with`)
  const guess = didYouMean(name, [...numberFields, ...wordFields])
  return refuse(`there is no field "${name}".${guess || ` Amounts are ${numberFields.join(', ')}.`}`)
}

/** `attributes.a.b`, `attributes["a-b"]` → the attribute's name. */
function attributeOf(node: jsep.MemberExpression): Dimension {
  const path: string[] = []
  let at: jsep.Expression = node
  while (at.type === 'MemberExpression') {
    const { object, property, computed, optional } = at as jsep.MemberExpression
    const name = computed ? (property as jsep.Literal).value : (property as jsep.Identifier).name
    if (typeof name !== 'string' || optional === true)
      refuse('an attribute is written attributes.NAME or attributes["NAME"]')
    path.unshift(name)
    at = object
  }
  if (at.type !== 'Identifier' || at['name'] !== 'attributes') refuse('only attributes has parts: attributes.NAME')
  const field = `attributes.${path.join('.')}`
  if (!isDimension(field))
    refuse(`${field} is not the name of an attribute: letters, digits, "_", "-" and ".", at most 64`)
  return field
}

function literalOf({ value, raw }: jsep.Literal): Part {
  if (typeof value === 'string') return { is: 'text', text: { kind: 'text', text: value } }
  if (typeof value !== 'number') refuse(`${raw} is not a value that can be computed with`)
  const parsed = /^\d+(?:\.\d+)?$/.test(raw) ? parseExact(raw) : null
  if (parsed === null || !parsed.ok)
    refuse(`${raw} is not a plain decimal: write it like 12 or 0.5, at most 60 digits before and 30 after the point`)
  return { is: 'number', number: { kind: 'literal', value: formatExact(parsed.value) } }
}

/** A number that is written down, not computed. */
function constantOf(part: Part, where: string): string {
  const number = numberOf(part, where)
  return number.kind === 'literal'
    ? number.value
    : refuse(`${where} stands something else than a written number such as 128`)
}

function dividedBy(of: Expression, by: string): Expression {
  if (compare(exact(by), zero) === 0) refuse('nothing is divided by 0')
  const decimals = decimalsOf(divide(exact(1n), exact(by)))
  if (decimals === null || decimals > rangeLimits.decimalsOnTheWayMax)
    refuse(
      `dividing by ${by} has no end of decimals, so it would have to be rounded; let the meter count in the smaller unit, ` +
        `and give the price "unit": {"name": …, "per": "${by}"}. Division by 10, 1000, 8 or 1024 is exact`,
    )
  return { kind: 'divide', of, by }
}

const arithmetic: Readonly<Record<string, 'add' | 'subtract' | 'multiply'>> = {
  '+': 'add',
  '-': 'subtract',
  '*': 'multiply',
}

const adviceOn: Readonly<Record<string, string>> = {
  '=': 'write == to compare',
  '===': 'write ==',
  '!==': 'write !=',
  '&': 'write &&',
  '|': 'write ||',
  '??': 'write coalesce(a, b)',
  '%': 'ceil_div and floor_div divide into whole parts',
}

function comparisonOf(operator: Comparison, left: Part, right: Part): Test {
  if (left.is === 'number' && right.is === 'number')
    return { kind: 'compare', operator, left: left.number, right: right.number }
  if (left.is === 'text' && right.is === 'text') {
    if (operator !== '==' && operator !== '!=') refuse(`texts are compared with == and !=, not with ${operator}`)
    return { kind: 'same', operator, left: left.text, right: right.text }
  }
  if (left.is !== 'test' && right.is !== 'test') {
    const [number, text] = left.is === 'number' ? [left, right] : [right, left]
    const dimension = text.is === 'text' && text.text.kind === 'dimension' ? text.text.field : null
    if (dimension?.startsWith('attributes.') === true)
      refuse(`${dimension} is a text: compare number(${dimension}), or put the number in quotes`)
    if (number.is === 'number' && number.number.kind === 'field')
      refuse(`${number.number.field} is a number: compare it with one, without quotes`)
  }
  return refuse(`${operator} compares two numbers or two texts`)
}

function binaryOf(operator: string, left: Part, right: Part): Part {
  const kind = arithmetic[operator]
  if (kind !== undefined && Object.hasOwn(arithmetic, operator)) {
    return {
      is: 'number',
      number: { kind, left: numberOf(left, `left of ${operator}`), right: numberOf(right, `right of ${operator}`) },
    }
  }
  if (operator === '/') {
    const by = constantOf(right, 'below /')
    return { is: 'number', number: dividedBy(numberOf(left, 'above /'), by) }
  }
  if (operator === '&&' || operator === '||') {
    const sides = { left: testOf(left, `left of ${operator}`), right: testOf(right, `right of ${operator}`) }
    return { is: 'test', test: { kind: operator === '&&' ? 'and' : 'or', ...sides } }
  }
  const comparison = comparisons.find((known) => known === operator)
  if (comparison !== undefined) return { is: 'test', test: comparisonOf(comparison, left, right) }
  return refuse(`there is no operator ${operator}${Object.hasOwn(adviceOn, operator) ? `: ${adviceOn[operator]}` : ''}`)
}

function unaryOf(operator: string, part: Part): Part {
  if (operator === '!') return { is: 'test', test: { kind: 'not', of: testOf(part, 'after !') } }
  if (operator !== '-') refuse(`there is no operator ${operator} before a value`)
  const of = numberOf(part, 'after -')
  if (of.kind !== 'literal') return { is: 'number', number: { kind: 'negate', of } }
  const value = formatExact(divide(exact(of.value), exact(-1n)))
  return { is: 'number', number: { kind: 'literal', value } }
}

function wholeDivisionOf(name: 'ceil_div' | 'floor_div', values: readonly Part[]): Expression {
  const [of, by] = values
  if (of === undefined || by === undefined || values.length !== 2)
    refuse(`${name} takes two values: ${name}(bytes_out_wire, 128)`)
  const divisor = constantOf(by, `second in ${name}`)
  if (!/^[1-9]\d{0,18}$/.test(divisor))
    refuse(`${name} divides by a whole number above 0, with at most 19 digits, not by ${divisor}`)
  return { kind: name, of: numberOf(of, `first in ${name}`), by: divisor }
}

function attributeNumberOf(values: readonly Part[]): Expression {
  const [first, second] = values
  if (first?.is !== 'text' || first.text.kind !== 'dimension' || values.length > 2)
    refuse(
      'number takes an attribute, and how many decimals it may have: number(attributes.units), number(attributes.units, 2)',
    )
  const decimals = second === undefined ? String(rangeLimits.decimalsMax) : constantOf(second, 'second in number')
  if (!/^\d{1,2}$/.test(decimals) || Number(decimals) > rangeLimits.decimalsMax)
    refuse(`number reads at most ${rangeLimits.decimalsMax} decimals`)
  return { kind: 'attribute', field: first.text.field, decimals: Number(decimals) }
}

function callOf(name: FunctionName, values: readonly Part[]): Part {
  switch (name) {
    case 'if': {
      const [test, yes, no] = values
      if (test === undefined || yes === undefined || no === undefined || values.length !== 3)
        refuse('if takes three values: if(status >= 500, 0, bytes_out_wire)')
      const branches = { yes: numberOf(yes, 'second in if'), no: numberOf(no, 'third in if') }
      return { is: 'number', number: { kind: 'if', test: testOf(test, 'first in if'), ...branches } }
    }
    case 'least':
    case 'greatest':
    case 'coalesce': {
      if (values.length < 2) refuse(`${name} takes two values or more`)
      return { is: 'number', number: { kind: name, of: values.map((value) => numberOf(value, `in ${name}`)) } }
    }
    case 'ceil_div':
    case 'floor_div':
      return { is: 'number', number: wholeDivisionOf(name, values) }
    case 'number':
      return { is: 'number', number: attributeNumberOf(values) }
    case 'known': {
      const [of] = values
      if (of === undefined || of.is === 'test' || values.length !== 1)
        refuse('known takes one value: known(bytes_out_wire)')
      return { is: 'test', test: { kind: 'known', of: of.is === 'number' ? of.number : of.text } }
    }
  }
}

/** Reads a tree from its leaves up. What cannot be read is a problem once, and makes what contains it unreadable. */
function readerInto(problems: string[]): (node: jsep.Expression, depth: number) => Part | null {
  const attempt = (combine: () => Part): Part | null => {
    try {
      return combine()
    } catch (error) {
      if (!(error instanceof Unreadable)) throw error
      if (!problems.includes(error.message)) problems.push(error.message)
      return null
    }
  }
  const read = (node: jsep.Expression, depth: number): Part | null => {
    if (depth > limits.depthMax)
      return attempt(() => refuse(`it has more than ${limits.depthMax} parts within each other`))
    const whole = (nodes: readonly jsep.Expression[], combine: (...parts: readonly Part[]) => Part): Part | null => {
      const parts = nodes.map((one) => read(one, depth + 1))
      return parts.every((part) => part !== null) ? attempt(() => combine(...parts)) : null
    }
    switch (node.type) {
      case 'Literal':
        return attempt(() => literalOf(node as jsep.Literal))
      case 'Identifier':
        return attempt(() => nameOf((node as jsep.Identifier).name))
      case 'MemberExpression':
        return attempt(() => ({
          is: 'text',
          text: { kind: 'dimension', field: attributeOf(node as jsep.MemberExpression) },
        }))
      case 'UnaryExpression': {
        const { operator, argument } = node as jsep.UnaryExpression
        return whole([argument], (of) => unaryOf(operator, of))
      }
      case 'BinaryExpression': {
        const { operator, left, right } = node as jsep.BinaryExpression
        return whole([left, right], (a, b) => binaryOf(operator, a, b))
      }
      case 'ConditionalExpression': {
        const { test, consequent, alternate } = node as jsep.ConditionalExpression
        return whole([test, consequent, alternate], (...parts) => callOf('if', parts))
      }
      case 'CallExpression': {
        const { callee, arguments: values } = node as jsep.CallExpression
        const name = callee.type === 'Identifier' ? (callee as jsep.Identifier).name : ''
        const known = functionNames.find((one) => one === name)
        if (known !== undefined) return whole(values, (...parts) => callOf(known, parts))
        const guess = didYouMean(name, functionNames) || ` There are ${functionNames.join(', ')}.`
        return attempt(() => refuse(`there is no function "${name}".${guess}`))
      }
      case 'Compound': {
        const isEmpty = (node as jsep.Compound).body.length === 0
        return attempt(() => refuse(isEmpty ? 'it is empty' : 'it is more than one expression: an operator is missing'))
      }
      default:
        return attempt(() => refuse('it has a part that is not an amount, a comparison or a function'))
    }
  }
  return read
}

function isNumber(of: Expression | Text): of is Expression {
  return of.kind !== 'text' && of.kind !== 'dimension'
}

/** How much of a statement a condition takes. */
function testWeight(test: Test): number {
  switch (test.kind) {
    case 'compare':
      return 1 + weightOf(test.left) + weightOf(test.right)
    case 'same':
      return 3
    case 'known':
      return 1 + (isNumber(test.of) ? weightOf(test.of) : 1)
    case 'and':
    case 'or':
      return 1 + testWeight(test.left) + testWeight(test.right)
    case 'not':
      return 1 + testWeight(test.of)
    default:
      return unreachable(test)
  }
}

/** How much of a statement an expression takes: conditions, and what is compared for the least, are written twice. */
function weightOf(expression: Expression): number {
  const twice = expression.kind === 'least' || expression.kind === 'greatest' ? 2 : 1
  if (expression.kind === 'if')
    return 1 + 2 * testWeight(expression.test) + weightOf(expression.yes) + weightOf(expression.no)
  return 1 + twice * partsOf(expression).reduce((sum, part) => sum + weightOf(part), 0)
}

function treeOf(text: string): Result<jsep.Expression, string> {
  try {
    return ok(jsep(text))
  } catch (error) {
    const { description, index } = error as { readonly description?: string; readonly index?: number }
    // What is no complaint of the parser is a bug, not a problem of the text.
    if (description === undefined || index === undefined) throw error
    const rest = text.slice(index, index + 20)
    return fail(
      `it cannot be read at character ${index + 1}${rest === '' ? ' (its end)' : ` ("${rest}")`}: ${description}`,
    )
  }
}

/** Reads an expression; all that is wrong with it at once, each a sentence. */
export function parseExpression(text: string): Result<Expression, readonly string[]> {
  if (text.length > limits.textLengthMax) return fail([`it has more than ${limits.textLengthMax} characters`])
  const tree = treeOf(text)
  if (!tree.ok) return fail([tree.error])
  const problems: string[] = []
  const part = readerInto(problems)(tree.value, 0)
  if (part === null) return fail(problems)
  if (part.is === 'test') return fail(['it is a condition, true or false: write if(…, 1, 0) to count where it is true'])
  try {
    const expression = numberOf(part, 'as the whole')
    if (weightOf(expression) > limits.weightMax)
      return fail(['it is too large for one statement: conditions within conditions are written several times'])
    return ok(expression)
  } catch (error) {
    if (error instanceof Unreadable) return fail([error.message])
    throw error
  }
}

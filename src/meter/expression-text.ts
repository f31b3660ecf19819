import { unreachable } from '../core/result.ts'
import type { Dimension } from '../store/condition.ts'
import type { Expression, Test, Text } from '../store/expression.ts'
import { limits } from '../store/expression-range.ts'

/** How tightly parts hold together, from the loosest; what is looser than its surroundings gets parentheses. */
const strength = { or: 1, and: 2, compare: 3, add: 4, multiply: 5, one: 6 } as const
type Strength = (typeof strength)[keyof typeof strength]

interface Written {
  readonly text: string
  readonly strength: Strength
}

function one(text: string): Written {
  return { text, strength: strength.one }
}

function within({ text, strength: own }: Written, around: Strength): string {
  return own < around ? `(${text})` : text
}

function dimensionText(field: Dimension): string {
  const attribute = field.startsWith('attributes.') ? field.slice('attributes.'.length) : null
  if (attribute === null || /^[A-Za-z_]\w*$/.test(attribute)) return field
  return `attributes[${JSON.stringify(attribute)}]`
}

function quoted(text: string): string {
  const escapes: Readonly<Record<string, string>> = { '\n': '\\n', '\r': '\\r', '\t': '\\t', '"': '\\"', '\\': '\\\\' }
  return `"${text.replaceAll(/[\n\r\t"\\]/g, (letter) => escapes[letter] ?? letter)}"`
}

function textText(text: Text): string {
  return text.kind === 'text' ? quoted(text.text) : dimensionText(text.field)
}

/** Left parts may be as loose as the operator itself, right ones have to be tighter: a - (b - c). */
function pair(left: Written, operator: string, right: Written, own: Strength): Written {
  return { text: `${within(left, own)} ${operator} ${within(right, (own + 1) as Strength)}`, strength: own }
}

function call(name: string, values: readonly string[]): Written {
  return one(`${name}(${values.join(', ')})`)
}

function writtenTest(test: Test): Written {
  switch (test.kind) {
    case 'compare':
      return pair(written(test.left), test.operator, written(test.right), strength.compare)
    case 'same':
      return pair(one(textText(test.left)), test.operator, one(textText(test.right)), strength.compare)
    case 'known': {
      const { of } = test
      return call('known', [of.kind === 'text' || of.kind === 'dimension' ? textText(of) : written(of).text])
    }
    case 'and':
      return pair(writtenTest(test.left), '&&', writtenTest(test.right), strength.and)
    case 'or':
      return pair(writtenTest(test.left), '||', writtenTest(test.right), strength.or)
    case 'not':
      return one(`!${within(writtenTest(test.of), strength.one)}`)
    default:
      return unreachable(test)
  }
}

function written(expression: Expression): Written {
  switch (expression.kind) {
    case 'field':
      return one(expression.field)
    case 'attribute': {
      const { field, decimals } = expression
      return call('number', [dimensionText(field), ...(decimals === limits.decimalsMax ? [] : [String(decimals)])])
    }
    case 'literal':
      return one(expression.value)
    case 'add':
      return pair(written(expression.left), '+', written(expression.right), strength.add)
    case 'subtract':
      return pair(written(expression.left), '-', written(expression.right), strength.add)
    case 'multiply':
      return pair(written(expression.left), '*', written(expression.right), strength.multiply)
    case 'negate':
      return one(`-${within(written(expression.of), strength.one)}`)
    case 'divide':
      return pair(written(expression.of), '/', one(expression.by), strength.multiply)
    case 'ceil_div':
    case 'floor_div':
      return call(expression.kind, [written(expression.of).text, expression.by])
    case 'if':
      return call('if', [writtenTest(expression.test).text, written(expression.yes).text, written(expression.no).text])
    case 'least':
    case 'greatest':
    case 'coalesce':
      return call(
        expression.kind,
        expression.of.map((value) => written(value).text),
      )
    default:
      return unreachable(expression)
  }
}

/** An expression as text: read again, it is the same expression. */
export function formatExpression(expression: Expression): string {
  return written(expression).text
}

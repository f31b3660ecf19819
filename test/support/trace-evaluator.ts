import {
  above,
  below,
  inSteps,
  isSame,
  least,
  minus,
  most,
  nearest,
  nothing,
  over,
  plus,
  rational,
  rationalText,
  readRational,
  times,
  together,
} from './plain-rational.ts'
import type { Rational } from './plain-rational.ts'

/**
 * Re-checks the trace of any line with its own parser and its own arithmetic: it knows nothing of prices, and imports
 * nothing of src/. What it answers is what is wrong; an empty list is a line that is explained.
 */
export interface CheckedStep {
  readonly step: string
  readonly about: string
  readonly formula: string
  readonly result: string
  readonly unit: string
  readonly parts?: readonly (readonly CheckedStep[])[]
}

const rank: Readonly<Record<string, number>> = { '+': 1, '-': 1, '*': 2, '/': 2 }
const twoSided: Readonly<Record<string, (a: Rational, b: Rational) => Rational>> = {
  '+': plus,
  '-': minus,
  '*': times,
  '/': over,
  min: least,
  max: most,
  round: (value, digits) => inSteps(value, Number(digits.n), nearest),
}
const oneSided: Readonly<Record<string, (a: Rational) => Rational>> = {
  ceil: (value) => rational(above(value)),
  floor: (value) => rational(below(value)),
}

const wordPattern = /\s*(?:(\d+(?:\.\d+)?)|(min|max|round|ceil|floor)|([-+*/(),]))/y

function wordsOf(formula: string): readonly string[] {
  const words: string[] = []
  wordPattern.lastIndex = 0
  while (wordPattern.lastIndex < formula.length) {
    const found = wordPattern.exec(formula)
    if (found === null) throw new Error(`"${formula}" has something that is no arithmetic`)
    words.push(found[1] ?? found[2] ?? found[3] ?? '')
  }
  return words
}

function pop<T>(stack: T[]): T {
  const top = stack.pop()
  if (top === undefined) throw new Error('the formula lacks an operand')
  return top
}

function apply(name: string, numbers: Rational[]): void {
  const single = oneSided[name]
  if (single !== undefined) {
    numbers.push(single(pop(numbers)))
    return
  }
  const right = pop(numbers)
  const both = twoSided[name]
  if (both === undefined) throw new Error(`${name} has no meaning here`)
  numbers.push(both(pop(numbers), right))
}

/** Applies what waits on top of the stack until the bracket, and leaves the bracket there. */
function closeTo(waiting: string[], numbers: Rational[]): void {
  while (waiting.at(-1) !== '(') apply(pop(waiting), numbers)
}

function takeOperator(word: string, waiting: string[], numbers: Rational[]): void {
  const strength = rank[word] ?? 0
  for (let top = waiting.at(-1); top !== undefined && (rank[top] ?? 0) >= strength; top = waiting.at(-1))
    apply(pop(waiting), numbers)
  waiting.push(word)
}

/** Two stacks, one of numbers and one of what waits for them. */
export function calculate(formula: string): Rational {
  const [numbers, waiting]: [Rational[], string[]] = [[], ['(']]
  let before = '('
  for (const word of [...wordsOf(formula), ')']) {
    if (/^\d/.test(word)) numbers.push(readRational(word))
    else if (word === '(' || /^[a-z]/.test(word)) waiting.push(word)
    else if (word === ',') closeTo(waiting, numbers)
    else if (word === ')') {
      closeTo(waiting, numbers)
      waiting.pop()
      if (/^[a-z]/.test(waiting.at(-1) ?? '')) apply(pop(waiting), numbers)
    } else {
      // A sign stands where a number would: it is taken from zero.
      if (word === '-' && (before === '(' || before === ',')) numbers.push(nothing)
      takeOperator(word, waiting, numbers)
    }
    before = word
  }
  if (numbers.length !== 1 || waiting.length > 0) throw new Error(`"${formula}" is not whole`)
  return pop(numbers)
}

const resultOf = ({ result }: CheckedStep): Rational => calculate(result)

/** The numbers of a formula; those in brackets of their own, such as `(10/3)` and `(-2)`, as what they come to. */
function operandsOf(formula: string): readonly Rational[] {
  const brackets = [...formula.matchAll(/\((-?[\d.]+(?:\/[\d.]+)?)\)/g)].map(([, inside = '0']) => calculate(inside))
  return [...brackets, ...[...formula.matchAll(/\d+(?:\.\d+)?/g)].map(([digits]) => readRational(digits))]
}

const has = (formula: string, value: Rational): boolean => operandsOf(formula).some((one) => isSame(one, value))

const firstOf = (part: readonly CheckedStep[]): CheckedStep => {
  const [first] = part
  if (first === undefined) throw new Error('a part has no step')
  return first
}

/**
 * Whether a step goes on from a number: it calculates with it, or all of its parts do, or its parts begin with numbers
 * that are together that number.
 */
function goesOn({ formula, parts = [] }: CheckedStep, value: Rational): boolean {
  const firsts = parts.map(firstOf)
  if (firsts.length > 0 && firsts.every((first) => has(first.formula, value))) return true
  if (firsts.length > 0) return isSame(together(firsts.map(resultOf)), value)
  return has(formula, value)
}

function partsProblems(step: CheckedStep): readonly string[] {
  const { parts } = step
  if (parts === undefined || parts.length === 0) return []
  const ends = parts.map((part) => part.at(-1)).map((last) => (last === undefined ? nothing : resultOf(last)))
  const sum = isSame(together(ends), resultOf(step)) ? [] : [`${step.step}: its parts add up to another number`]
  const named = ends.every((end) => end.n === 0n || has(step.formula, end))
  const adds = /[*]|min|max/.test(step.formula) ? [`${step.step}: adds up, but calculates more`] : []
  const missing = named ? [] : [`${step.step}: a part is not in the formula`]
  return [...sum, ...adds, ...missing, ...parts.flatMap((part) => chainProblems(part, null))]
}

function chainProblems(steps: readonly CheckedStep[], start: Rational | null): readonly string[] {
  let before = start
  return steps.flatMap((step) => {
    const isRight = isSame(calculate(step.formula), resultOf(step))
    const wrong = isRight ? [] : [`${step.step}: ${step.formula} is not ${step.result}`]
    const follows = before === null || goesOn(step, before)
    const astray = follows || before === null ? [] : [`${step.step}: does not go on from ${rationalText(before)}`]
    before = resultOf(step)
    return [...wrong, ...astray, ...partsProblems(step)]
  })
}

/** The order of DESIGN §9. */
const order = [
  ['quantity'],
  ['convert'],
  ['round_quantity'],
  ['allowance'],
  ['usage_discount'],
  ['price', 'add_up'],
  ['prorate'],
  ['discount'],
  ['maximum'],
  ['exchange'],
  ['round'],
]

function orderProblems(steps: readonly CheckedStep[]): readonly string[] {
  const places = steps.map(({ step }) => order.findIndex((names) => names.includes(step)))
  return places.every((place, index) => place >= (places[index - 1] ?? 0)) ? [] : ['the steps are out of order']
}

export interface CheckedLine {
  /** Where the trace starts from; null where the line has no quantity that it starts from (a true-up, a surcharge). */
  readonly quantity: string | null
  /** The rounded amount. */
  readonly amount: string
  readonly trace: readonly CheckedStep[]
}

/**
 * What a price says per billing period, cut to a part of one: before all that is calculated with it. Each is a number of
 * the price times the one share, and a later step writes what comes of it.
 */
function cutProblems(cuts: readonly CheckedStep[], rest: readonly CheckedStep[]): readonly string[] {
  const shares = cuts.map(({ formula }) => calculate(formula.slice(formula.lastIndexOf('*') + 1)))
  const [share = nothing] = shares
  const wrong = cuts.filter(({ formula, result }) => !isSame(calculate(formula), calculate(result)))
  const said = JSON.stringify(rest.filter(({ step }) => step !== 'round'))
  // In words a number has commas, and dots where it never ends.
  const isSaid = ({ result }: CheckedStep): boolean =>
    result.includes('/') || said.replaceAll(/(?<=\d),(?=\d)/g, '').includes(result)
  return [
    ...wrong.map(({ step, formula, result }) => `${step}: ${formula} is not ${result}`),
    ...(shares.every((one) => isSame(one, share)) ? [] : ['the price is cut to more than one share']),
    ...cuts.filter((cut) => !isSaid(cut)).map(({ about }) => `cut and not used: ${about}`),
  ]
}

/** All that is wrong with a line's trace. */
export function traceProblems({ quantity, amount, trace: whole }: CheckedLine): readonly string[] {
  const begins = whole.findIndex(({ step }) => step !== 'prorate')
  const [cuts, trace] = [whole.slice(0, Math.max(begins, 0)), whole.slice(Math.max(begins, 0))]
  const last = trace.at(-1)
  const end =
    last?.step === 'round' && isSame(resultOf(last), readRational(amount)) ? [] : [`does not end in ${amount}`]
  const ordered = quantity === null ? [] : orderProblems(trace)
  const chain = chainProblems(trace, quantity === null ? null : readRational(quantity))
  return [...cutProblems(cuts, trace), ...chain, ...ordered, ...end]
}

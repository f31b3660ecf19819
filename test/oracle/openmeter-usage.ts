import { progress } from '../../src/price/progressive.ts'
import type { OracleCase, Outcome, Translations } from '../support/oracle-cases.ts'
import { atTheDoor, defined, firstRun, linesOf, money, used, wholePart } from '../support/oracle-rating.ts'
import { unitOf } from './openmeter-rating.ts'

function conversion({ input, expected }: OracleCase): Outcome {
  const price = { unit: unitOf(input), model: { kind: 'per_unit', unit_amount: '1' } }
  return { actual: atTheDoor(price, input['quantity'])?.billable_quantity, expected: expected['quantity'] }
}

/** At one for each unit the amount is what is billable: of the line, and of the lines before it. */
function splitDiscount({ input, expected }: OracleCase): Outcome {
  const { quantity, quantity_before_line: before, free_quantity } = input
  const price = defined({
    model: { kind: 'per_unit', unit_amount: '1' },
    usage_discount: { quantity: free_quantity },
  })
  const rated = (units: number) => linesOf([wholePart(price, used(units))])
  const billed = firstRun(rated(Number(before)))
  const run = progress({ whole: rated(Number(before) + Number(quantity)), billed, isFinal: true })
  const free = (all: unknown, paid: string): string => String(Number(all) - Number(paid))
  const [now, then] = [run, billed].map((lines) => money(lines[0]?.amount ?? (0n as never)))
  return {
    actual: {
      billable: now,
      billable_before_line: then,
      discount_used_here: free(quantity, now ?? ''),
      discount_used_before: free(before, then ?? ''),
    },
    expected,
  }
}

export const openmeterUsage: Translations = {
  unit_conversion: conversion,
  usage_discount_over_split_lines: splitDiscount,
}

import { expect, test } from 'vitest'
import { changesOf } from './document-change.ts'

const paths = (before: unknown, after: unknown): readonly string[] =>
  changesOf(before, after).map(({ path, before: was, after: is }) => `${path}: ${was} → ${is}`)

test('a list is not the text that its items make together', () => {
  expect(paths({ of: 'all' }, { of: ['all'] })).toEqual(['of: "all" → ["all"]'])
  expect(paths({ values: ['a', 'b'] }, { values: ['a, b'] })).toEqual(['values: ["a","b"] → ["a, b"]'])
})

test('keys with dots are no paths: what changes beneath one is told though another is spelled like its path', () => {
  const book = (name: string): object => ({
    prices: [
      { key: 'a', unit: { name } },
      { key: 'a.unit', name: 'X' },
    ],
  })
  expect(paths(book('GB'), book('GiB'))).toEqual(['prices.a.unit.name: GB → GiB'])
})

test('what is equal has no changes', () => {
  const document = { key: 'x', tiers: [{ up_to: '1' }, { up_to: null }], empty: {}, of: ['a'] }
  expect(changesOf(document, structuredClone(document))).toEqual([])
})

import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync, readdirSync } from 'node:fs'
import { dirname, join, normalize, relative } from 'node:path'
import { describe, expect, test } from 'vitest'
import { errorCatalogue } from '../src/core/errors.ts'
import { functionsOf } from './support/functions.ts'

/** The rules of DESIGN §5 as tests over the tree. A rule that cannot be checked is advice. */
const root = join(import.meta.dirname, '..')
const files = execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard'], {
  cwd: root,
  encoding: 'utf8',
})
  .split('\n')
  .filter((file) => file !== '' && existsSync(join(root, file)))
const sources = files.filter((file) => /^(src|test|bench)\/.*\.ts$/.test(file))
const read = (file: string): string => readFileSync(join(root, file), 'utf8')

/** In the order of the flow: a folder may import itself, core, and what stands before it. */
const flow = [
  'core',
  'collect',
  'ingest',
  'log',
  'store',
  'account',
  'ip',
  'meter',
  'limit',
  'price',
  'invoice',
  'ledger',
  'refund',
  'settle',
  'reconcile',
  'inspect',
  'finance',
  'prove',
  'app',
]

function importsOf(file: string): string[] {
  return [...read(file).matchAll(/(?:from|import\()\s*'(\.[^']+)'/g)].map(([, path = '']) =>
    normalize(join(dirname(file), path)),
  )
}

describe('tidy', () => {
  test('imports go only to the left of the flow and to core', () => {
    const wrong: string[] = []
    for (const file of sources.filter((file) => file.startsWith('src/'))) {
      const from = flow.indexOf(file.split('/')[1] ?? '')
      for (const target of importsOf(file)) {
        if (target.startsWith('test/') && file.endsWith('.test.ts')) continue
        const to = flow.indexOf(target.split('/')[1] ?? '')
        if (from < 0 || to < 0 || to > from) wrong.push(`${file} → ${target}`)
      }
    }
    expect(wrong).toEqual([])
  })

  test('core imports no engine, no network and no file system', () => {
    const wrong = sources
      .filter((file) => file.startsWith('src/core/') && !file.endsWith('.test.ts'))
      .flatMap((file) => [...read(file).matchAll(/from '([^.'][^']*)'/g)].map(([, name]) => `${file}: ${name}`))
    expect(wrong).toEqual([])
  })

  test('a file has at most 400 lines, a function at most 70', () => {
    const wrong: string[] = []
    for (const file of sources) {
      const lines = read(file).split('\n').length
      if (lines > 400) wrong.push(`${file}: ${lines} lines`)
      // A suite is a list of tests, not a function that somebody has to keep in mind at once.
      if (file.endsWith('.test.ts') || file.startsWith('test/contract/')) continue
      for (const { name, lines } of functionsOf(read(file)))
        if (lines > 70) wrong.push(`${file}: ${name} has ${lines} lines`)
    }
    expect(wrong).toEqual([])
  })

  test('at most two folders below src, and no banned names', () => {
    const banned = /(^|[/._-])(utils?|helpers?|common|manager|misc|V2)([/._-]|$)/i
    const deep = files.filter((file) => file.startsWith('src/') && file.split('/').length > 4)
    expect([...deep, ...files.filter((file) => banned.test(file))]).toEqual([])
  })

  test('no time, randomness or floating point where they do not belong', () => {
    const pure = sources.filter((file) => /^src\/(core|price|meter)\//.test(file) && !file.endsWith('.test.ts'))
    const wrong = pure.filter((file) => /Math\.random|parseFloat|Number\.parseFloat|toFixed\(/.test(read(file)))
    const clocks = sources
      .filter((file) => file.startsWith('src/') && !/^src\/(app|core\/time)/.test(file) && !file.endsWith('.test.ts'))
      .filter((file) => /Date\.now\(\)|new Date\(\)|Math\.random\(\)/.test(read(file)))
    expect([...wrong, ...clocks]).toEqual([])
  })

  test('no test is skipped, focused or sleeps', () => {
    const wrong = sources
      .filter((file) => file.endsWith('.test.ts') && file !== 'test/tidy.test.ts')
      .filter((file) => /\b(test|it|describe)\.(only|todo)\b|setTimeout\(\s*resolve/.test(read(file)))
    expect(wrong).toEqual([])
  })

  test('exact versions are pinned, and every runtime dependency has its line in docs/decisions', () => {
    const manifest = JSON.parse(read('package.json')) as Record<string, Record<string, string> | undefined>
    const all = { ...manifest['dependencies'], ...manifest['optionalDependencies'], ...manifest['devDependencies'] }
    expect(Object.entries(all).filter(([, version]) => !/^\d/.test(version))).toEqual([])
    const decisions = readdirSync(join(root, 'docs/decisions'))
      .map((file) => read(join('docs/decisions', file)))
      .join('\n')
    expect(Object.keys(manifest['dependencies'] ?? {}).filter((name) => !decisions.includes(`\`${name}\``))).toEqual([])
  })

  test('docs/errors.md and the catalogue list the same codes, both ways', () => {
    const documented = [...read('docs/errors.md').matchAll(/^\| `([A-Z0-9_]+)` \| (\d+) \| (yes|no) \|/gm)]
    const rows = documented.map(([, code, status, retry]) => `${code} ${status} ${retry}`)
    const catalogue = Object.entries(errorCatalogue).map(
      ([code, { status, retry }]) => `${code} ${status} ${retry ? 'yes' : 'no'}`,
    )
    expect(rows.toSorted()).toEqual(catalogue.toSorted())
  })

  test('every error code is used', () => {
    const all = sources
      .filter((file) => file.startsWith('src/') && file !== 'src/core/errors.ts')
      .map(read)
      .join('\n')
    expect(Object.keys(errorCatalogue).filter((code) => !all.includes(`'${code}'`))).toEqual([])
  })

  test('every law L1 to L13 has a row in ARCHITECTURE.md whose tests exist', () => {
    const rows = [...read('ARCHITECTURE.md').matchAll(/^\| \*\*(L\d+)\b.*$/gm)]
    expect(rows.map(([, law]) => law)).toEqual(Array.from({ length: 13 }, (_, index) => `L${index + 1}`))
    const named = rows.flatMap(([row]) =>
      [...row.matchAll(/`((?:src|test)\/[^`]+\.ts)`/g)].map(([, file = '']) => file),
    )
    expect(named.filter((file) => !existsSync(join(root, file)))).toEqual([])
    expect(rows.filter(([row]) => !/\.test\.ts`|gap/i.test(row)).map(([, law]) => law)).toEqual([])
  })

  test('documents name files that exist', () => {
    const wrong: string[] = []
    for (const file of files.filter((file) => file.endsWith('.md'))) {
      for (const [, target = ''] of read(file).matchAll(/\]\((?!https?:|#|mailto:)([^)#\s]+)/g)) {
        if (!existsSync(join(root, dirname(file), target))) wrong.push(`${file} → ${relative('.', target)}`)
      }
    }
    expect(wrong).toEqual([])
  })
})

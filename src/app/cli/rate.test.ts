import { spawnSync } from 'node:child_process'
import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { overLinesKinds } from '../../price/model/over-lines.ts'
import { unitModelKinds } from '../../price/model/model.ts'
import { parseRateRequest, rate } from '../../price/calculator/rate.ts'
import { rateExamples } from '../http/rate-schema.ts'
import { dispatch } from './main.ts'

const root = join(import.meta.dirname, '../../..')
const folder = mkdtempSync(join(tmpdir(), 'crossfoot-rate-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

interface Run {
  readonly code: number
  readonly out: string
  readonly err: string
}

async function run(...argv: readonly string[]): Promise<Run> {
  const [out, err]: [string[], string[]] = [[], []]
  const stdout = { write: (text: string) => out.push(text) }
  const stderr = { write: (text: string) => err.push(text) }
  // Whoever is asked for a service would be asked at an address where none is.
  const env = { CROSSFOOT_URL: 'http://127.0.0.1:9' }
  const code = await dispatch(['rate', ...argv], { stdout, stderr, isTTY: false, columns: 80, env })
  return { code, out: out.join(''), err: err.join('') }
}

function file(content: unknown): string {
  const path = join(folder, 'request.json')
  writeFileSync(path, typeof content === 'string' ? content : JSON.stringify(content))
  return path
}

const request = {
  currency: 'USD',
  price: {
    name: 'Transfer',
    included: '5',
    unit: { name: 'GB', per: '1000' },
    model: { kind: 'per_unit', unit_amount: '0.10' },
  },
  quantity: '1234567',
}

describe('crossfoot rate', () => {
  test('prints lines, the total and the sentences, without a service', async () => {
    const { code, out, err } = await run(file(request), '--offline')
    expect({ code, err }).toEqual({ code: 0, err: '' })
    // 1,234.567 GB less 5 are 1,229.567; a tenth of it is 122.9567.
    expect(out.split('\n').slice(0, 3)).toEqual([
      'line      kind   quantity      unit price     USD',
      'Transfer  usage  1,229.567 GB  0.1         122.96',
      'total                                      122.96',
    ])
    expect(out).toContain('beyond the 5 GB included')
  })

  test('--json is the answer of the API', async () => {
    const { code, out } = await run(file(request), '--json')
    const parsed = parseRateRequest(request)
    expect(code).toBe(0)
    expect(JSON.parse(out)).toEqual(parsed.ok ? JSON.parse(JSON.stringify(rate(parsed.value))) : parsed.error)
  })

  test('prints totals down to what is due', async () => {
    const body = {
      ...request,
      discounts: [{ name: 'Spring', percent: '10' }],
      credits: [
        { id: 'welcome', kind: 'promotional', balance: '10' },
        { id: 'deposit', kind: 'prepaid', balance: '20' },
      ],
      taxes: [{ name: 'VAT', percent: '19' }],
    }
    // 122.96 − 12.30 − 10 = 100.66; 19 % of it is 19.1254; 119.79 − 20.
    const { out } = await run(file(body))
    const table = out
      .split('\n\n')[1]
      ?.split('\n')
      .map((row) => row.replace(/ {2,}/, '|'))
    expect(table).toEqual([
      'lines|122.96',
      'Spring, of 122.96|-12.30',
      'credit welcome, on line 1|-10.00',
      'taxable|100.66',
      'VAT, 19 %|19.13',
      'total|119.79',
      'credit deposit, on line 1|-20.00',
      'due|99.79',
    ])
  })

  test('what is wrong with a file is told at once, and fails', async () => {
    const { code, out, err } = await run(file({ ...request, currency: 'X', quantity: 5 }))
    expect({ code, out }).toEqual({ code: 1, out: '' })
    expect(err).toContain('has 2 problems')
    expect(err).toContain('currency:')
    expect(err).toContain('quantity:')
    expect(await run(file('{ nothing'))).toMatchObject({
      code: 1,
      err: expect.stringContaining('is not JSON') as string,
    })
    expect(await run(join(folder, 'none.json'))).toMatchObject({ code: 1, out: '' })
  })

  test.each([[[]], [['a', 'b']], [['a', '--offline', '--url', 'http://127.0.0.1:9']], [['a', '--fast']]])(
    'called as %j it does not know what to do',
    async (argv) => {
      expect((await run(...argv)).code).toBe(2)
    },
  )

  test('explains itself, and asks the service where --url names one', async () => {
    expect(await run('--help')).toMatchObject({ code: 0, out: expect.stringContaining('--offline') as string })
    expect((await run(file(request), '--url', 'http://127.0.0.1:9', '--key', 'k')).code).toBe(1)
  })

  test('reads the standard input', () => {
    const words = [join(root, 'src/app/cli/main.ts'), 'rate', '-', '--json']
    const { status, stdout } = spawnSync(process.execPath, words, { input: JSON.stringify(request), encoding: 'utf8' })
    expect(status).toBe(0)
    expect(JSON.parse(stdout)).toMatchObject({ total: '122.96' })
  })
})

describe('docs/data/prices.md', () => {
  const page = readFileSync(join(root, 'docs/data/prices.md'), 'utf8')
  const blocks = [...page.matchAll(/^```json\n([^`]*)^```$/gm)].map(([, block = '']): unknown => JSON.parse(block))
  const examples = blocks.flatMap((block, index) =>
    index % 2 === 0 ? [{ asked: block, answered: blocks[index + 1] }] : [],
  )

  test.each(examples.map((example, index) => ({ ...example, index })))(
    'example $index runs and is answered so',
    async (example) => {
      const { code, out, err } = await run(file(example.asked), '--json')
      expect({ code, err }).toEqual({ code: 0, err: '' })
      expect(JSON.parse(out)).toMatchObject(example.answered as object)
    },
  )

  test('has every example of /openapi.json, and a heading for every model', () => {
    expect(blocks.length % 2).toBe(0)
    const asked = examples.map((example) => example.asked)
    for (const example of rateExamples) expect(asked).toContainEqual(example.request)
    for (const kind of [...unitModelKinds, 'matrix', ...overLinesKinds]) expect(page).toContain(`\n### ${kind}\n`)
  })
})

import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { dispatch } from '../../src/app/cli/main.ts'
import { libraryMeters, referenceMeters } from '../../src/price/reference/meters.ts'
import { discardData, removeDirectory, startService, temporaryDirectory } from '../support/service.ts'
import type { RunningService } from '../support/service.ts'

const reference = join(import.meta.dirname, '../../src/price/reference/book.ts')

const price = (amount: string) => ({
  key: 'out',
  name: 'Data out',
  meter: 'data_out_wire',
  unit: { name: 'GB', per: '1000000000' },
  model: { kind: 'per_unit', unit_amount: amount },
})
const plan = (version: number, amount: string, more: object = {}) => ({
  key: 'edge',
  version,
  name: 'Edge',
  currency: 'USD',
  prices: [price(amount)],
  effective_from: '2026-01-01T00:00:00Z',
  ...more,
})
const seats = {
  key: 'seats',
  version: 1,
  name: 'Seats',
  currency: 'USD',
  prices: [{ key: 'seat', name: 'Seat', model: { kind: 'flat', amount: '5' } }],
  effective_from: '2026-01-01T00:00:00Z',
}
const spring = {
  key: 'spring',
  version: 1,
  name: 'Spring',
  currencies: ['USD', 'EUR'],
  amount: { USD: '10.00', EUR: '9' },
  of: ['out'],
  periods: 3,
  effective_from: '2026-03-01T00:00:00Z',
}

describe('crossfoot prices', () => {
  const data = temporaryDirectory('prices-command')
  const files = temporaryDirectory('prices-files')
  let service: RunningService

  beforeAll(async () => {
    service = await startService({ data, args: ['--empty'] })
  })
  afterAll(async () => {
    await discardData(data)
    removeDirectory(files)
  })

  const file = (name: string, content?: unknown): string => {
    const path = join(files, name)
    if (content !== undefined) writeFileSync(path, JSON.stringify(content))
    return path
  }
  async function crossfoot(...args: string[]) {
    let [stdout, stderr] = ['', '']
    const terminal = {
      stdout: { write: (text: string) => (stdout += text) },
      stderr: { write: (text: string) => (stderr += text) },
      isTTY: false,
      columns: 120,
      env: { CROSSFOOT_URL: service.address, CROSSFOOT_KEY: service.key },
    }
    const code = await dispatch(['prices', ...args], terminal)
    return { code, stdout, stderr }
  }
  const exported = async (): Promise<string> => {
    const path = file('exported.json')
    expect(await crossfoot('export', path)).toMatchObject({ code: 0, stdout: '' })
    return readFileSync(path, 'utf8')
  }

  test('a book is checked, shown, tried, imported and exported; again, nothing happens', async () => {
    const first = file('first.json', { coupons: [spring], add_ons: [seats], plans: [plan(1, '0.10')] })
    expect((await crossfoot('check', first)).stdout).toBe(
      `${first}: 1 plan (1 version), 1 add-on (1 version), 1 coupon (1 version), no problems\n` +
        '  order or form differ from what export writes\n',
    )
    const shown = await crossfoot('diff', first)
    expect(shown).toMatchObject({ code: 0, stderr: '' })
    expect(shown.stdout).toContain('+ plan edge is new: version 1, from 2026-01-01T00:00:00Z\n')
    expect((await crossfoot('diff', first, '--exit-code')).code).toBe(1)
    const before = await exported()
    const tried = await crossfoot('import', first, '--dry-run')
    expect(tried).toMatchObject({ code: 0, stderr: '' })
    expect(tried.stdout).toBe(
      '3 would be published, 0 there already\n  edge version 1\n  seats version 1\n  spring version 1\n',
    )
    expect(await exported()).toBe(before)
    expect((await crossfoot('import', first)).stdout).toContain('3 published, 0 there already\n')
    expect((await crossfoot('import', first)).stdout).toBe('0 published, 3 there already\n')
    expect(await crossfoot('diff', first, '--exit-code')).toMatchObject({ code: 0, stdout: 'no differences\n' })
    const text = await exported()
    expect(text).toContain('"amount": { "USD": "10", "EUR": "9" },\n')
    expect((await crossfoot('check', file('exported.json'))).stdout).not.toContain('order or form')
    expect((await crossfoot('export')).stdout).toBe(text)
    expect(await service.get('/v1/prices')).toMatchObject({ status: 200, body: JSON.parse(text) as object })
  })

  test('a new version is shown against the one before it, in words and as data', async () => {
    const next = plan(2, '0.08', {
      prices: [
        { ...price('0.08'), included: '5' },
        { key: 'base', name: 'Base fee', model: { kind: 'flat', amount: '20' } },
      ],
      effective_from: '2026-07-01T00:00:00Z',
    })
    const path = file('next.json', { plans: [plan(1, '0.10'), next] })
    const { stdout } = await crossfoot('diff', path)
    expect(stdout).toBe(
      [
        '+ plan edge: version 2 is new, from 2026-07-01T00:00:00Z; against version 1:',
        '  ~ out: included: 0 → 5  [prices.out.included]',
        '  ~ out: price of each unit: 0.1 → 0.08 (-20 %)  [prices.out.model.unit_amount]',
        '  + base: key: base  [prices.base.key]',
        '  + base: name: Base fee  [prices.base.name]',
        '  + base: price model: flat  [prices.base.model.kind]',
        '  + base: amount: 20  [prices.base.model.amount]',
        '  ~ takes effect: 2026-01-01T00:00:00Z → 2026-07-01T00:00:00Z  [effective_from]',
        '',
      ].join('\n'),
    )
    const json = JSON.parse((await crossfoot('diff', path, '--json')).stdout) as {
      differences: number
      versions: object[]
    }
    expect(json.differences).toBe(1)
    expect(json.versions[0]).toMatchObject({ section: 'plans', key: 'edge', version: 2, kind: 'added', against: 1 })
    expect((await crossfoot('diff', path, '--color', 'always')).stdout).toContain('\u001b[32m+ plan edge')
    expect((await crossfoot('diff', path, '--color', 'sometimes')).code).toBe(2)
    // Two files, without a service.
    const old = file('old.json', { plans: [plan(1, '0.10'), plan(2, '0.09')] })
    const offline = await crossfoot('diff', old, file('new.json', { plans: [plan(1, '0.10'), plan(2, '0.05')] }))
    expect(offline.stdout).toBe(
      '! plan edge: version 2 has other terms, and a published version never changes; make it version 3:\n' +
        '  ~ out: price of each unit: 0.09 → 0.05 (-44.4 %)  [prices.out.model.unit_amount]\n',
    )
  })

  test('what is published and changed, or bills what nobody counts, is refused with its place, and nothing is imported', async () => {
    const before = await exported()
    const changed = file('changed.json', {
      plans: [
        { ...plan(1, '1'), key: 'other' },
        { ...plan(1, '0.20') },
        plan(3, '0.05'),
        { ...plan(1, '1'), key: 'strange', prices: [{ ...price('1'), meter: 'nobody' }] },
      ],
      coupons: [{ ...spring, version: 2, of: ['nothing'] }],
    })
    const refused = await crossfoot('import', changed)
    expect(refused.code).toBe(1)
    expect(refused.stderr).toContain('nothing was imported')
    expect(refused.stderr).toContain(
      '\n  plans.1.version: version 1 of plan edge is published with other terms; publish the change as version 2',
    )
    expect(refused.stderr).toContain('\n  plans.2.version: the next version of plan edge is 2, not 3')
    expect(refused.stderr).toContain('\n  coupons.0.of.0: is nothing, and no plan or add-on has such a price')
    expect((await crossfoot('diff', changed)).stderr).toContain('An import is refused: ')
    const strange = file('strange.json', {
      plans: [
        { ...plan(1, '1'), key: 'other' },
        { ...plan(1, '1'), key: 'strange', prices: [{ ...price('1'), meter: 'nobody' }] },
        { ...plan(1, '1'), key: 'units', prices: [{ ...price('1'), unit: { name: 'GB', per: '1000' } }] },
      ],
    })
    for (const args of [['--dry-run'], []]) {
      const { code, stderr } = await crossfoot('import', strange, ...args)
      expect(code).toBe(1)
      expect(stderr).toContain('\n  plans.1: plan strange bills nobody, which is no meter in use')
      expect(stderr).toContain('\n  plans.2.prices.0.unit: meter data_out_wire counts in bytes')
    }
    expect(await exported()).toBe(before)
    const broken = file('broken.json', {
      plans: [{ ...plan(1, 'ten'), name: '' }, plan(1, '1'), plan(1, '1')],
      surcharges: [],
    })
    const told = await crossfoot('check', broken)
    expect(told.code).toBe(1)
    for (const place of ['surcharges', 'plans.0.name', 'plans.0.prices.0.model.unit_amount', 'plans.2'])
      expect(told.stderr).toContain(`\n  ${place}: `)
    expect((await crossfoot('check', file('text.json', undefined))).code).toBe(1)
    expect((await crossfoot('export', join(files, 'no', 'such', 'folder.json'))).code).toBe(1)
    expect((await crossfoot('exprot')).code).toBe(2)
  })

  test('add-ons and coupons one by one: published, listed, never changed', async () => {
    const { version: _, ...next } = { ...seats, prices: [{ ...seats.prices[0], model: { kind: 'flat', amount: '6' } }] }
    expect(await service.post('/v1/add-ons', next)).toMatchObject({ status: 201, body: { key: 'seats', version: 2 } })
    expect(await service.post('/v1/add-ons', next)).toMatchObject({ status: 201, body: { version: 2 } })
    expect(await service.post('/v1/add-ons', { ...next, version: 1 })).toMatchObject({
      status: 409,
      body: { error: { code: 'VERSION_IMMUTABLE' } },
    })
    expect(await service.get('/v1/add-ons')).toMatchObject({ body: { add_ons: [{ key: 'seats', version: 2 }] } })
    expect(await service.get('/v1/add-ons/seats')).toMatchObject({
      body: { versions: [{ version: 1 }, { version: 2 }] },
    })
    expect(await service.get('/v1/add-ons/chairs')).toMatchObject({
      status: 404,
      body: { error: { code: 'ADD_ON_NOT_FOUND' } },
    })
    const half = { key: 'half', name: 'Half', percent: '50', of: 'all', effective_from: '2026-01-01T00:00:00Z' }
    expect(await service.post('/v1/coupons', half)).toMatchObject({
      status: 201,
      body: { version: 1, percent: '50', periods: null },
    })
    expect(await service.post('/v1/coupons', { ...half, percent: '101', of: [] })).toMatchObject({
      status: 400,
      body: { error: { problems: [{ field: 'percent' }, { field: 'of' }] } },
    })
    expect(await service.get('/v1/coupons')).toMatchObject({ body: { coupons: [{ key: 'half' }, { key: 'spring' }] } })
    expect(await service.get('/v1/coupons/spring')).toMatchObject({
      body: { versions: [{ amount: { USD: '10', EUR: '9' } }] },
    })
    expect(await service.get('/v1/coupons/none')).toMatchObject({
      status: 404,
      body: { error: { code: 'COUPON_NOT_FOUND' } },
    })
  })

  test('the reference price book is imported once its meters are there', async () => {
    expect((await crossfoot('check', reference)).stdout).toContain('3 plans (11 versions), 6 add-ons (6 versions)')
    expect((await crossfoot('import', reference, '--dry-run')).stderr).toContain('which are no meters in use')
    for (const key of libraryMeters) expect((await service.post(`/v1/meters/library/${key}`, {})).status).toBe(201)
    for (const meter of referenceMeters) expect((await service.post('/v1/meters', meter)).status).toBe(201)
    expect((await crossfoot('import', reference)).stdout).toContain('17 published, 0 there already')
    expect((await crossfoot('import', reference)).stdout).toBe('0 published, 17 there already\n')
    expect((await crossfoot('diff', reference, '--exit-code')).stdout).toBe('no differences\n')
    // What an add-on bills is billed too.
    const metered = {
      ...seats,
      key: 'pins',
      version: undefined,
      prices: [{ ...price('1'), meter: 'certificate_hours', unit: undefined }],
    }
    expect((await service.post('/v1/add-ons', metered)).status).toBe(201)
    expect(await service.post('/v1/meters/certificate_hours/archive', { reason: 'tidying' })).toMatchObject({
      status: 400,
      body: { error: { message: expect.stringContaining('is billed by pay-as-you-go, add-on pins:') as string } },
    })
    // What was exported is what is imported: into an empty book it is the same, byte by byte.
    const text = await exported()
    expect((await crossfoot('import', file('exported.json'))).stdout).toContain('0 published')
    expect(await exported()).toBe(text)
  })
})

import { mkdtempSync, rmSync } from 'node:fs'
import { openChdb } from '../src/store/engine.ts'
import { migrateStore } from '../src/store/migrate.ts'
import { factStatement, streamFacts } from '../src/store/query.ts'
import { standardMeters } from '../src/meter/standard.ts'
const d = mkdtempSync('/tmp/zz-')
const e = openChdb(d + '/s')
await migrateStore(e, 'migrations/clickhouse')
const accounts = 20000, from = Date.UTC(2026, 9, 1) * 1000, month = 31 * 24 * 3.6e9
await e.command(`INSERT INTO fact (offset, ingested_us, account, source, id, epoch, seq, kind, phase, time_us, endpoint, region, leg, bytes_out_wire, bytes_out_body, bytes_in_wire, bytes_in_body)
       SELECT number, time_us, concat('account-', toString(payer)), 'edge', toString(number), '', number + 1,
         if(h % 100 < 93, 'http_request', 'tcp_connection'), 'final',
         toInt64(${from} + h % ${month}) AS time_us,
         concat('e', toString(h % 5), '.example.com'), ['eu', 'us', 'ap', 'sa'][1 + intDiv(h, 11) % 4], 'client',
         h % 90000000, h % 80000000, h % 700000, h % 500000
       FROM (SELECT number, cityHash64(number) AS h, intDiv(h, 7) % ${accounts} AS payer FROM numbers(2000000))`)
const t = async (name: string, f: () => Promise<unknown>) => { await f(); const b = performance.now(); for (let i = 0; i < 5; i++) await f(); console.log(name, ((performance.now() - b) / 5).toFixed(1), 'ms') }
const all = Array.from({ length: accounts }, (_, i) => 'account-' + i).toSorted()
const list = all.slice(4000, 10000)
for (const key of ['http_requests', 'data_out_wire', 'active_endpoint_hours']) {
  const meter = standardMeters.find((m) => m.key === key)!
  for (const [w, starts] of [['one', [from]], ['seven', [from, from + 2*3.6e9, from + 5.5*3.6e9, from + 7*3.6e9, from + month - 7*3.6e9, from+month-3.6e9]]] as const)
  for (const [name, among] of [['list', list], ['all', undefined]] as const) {
    const q = { scope: { kind: 'operator', question: 'usage_by_account', ...(among ? { among } : {}) }, period: { from, to: from + month }, below: 2000000, conditions: meter.filter, dimensions: [], measure: meter.aggregation, starts } as never
    const { sql, parameters } = factStatement(q, 1e8)
    await t(`${key} ${w} ${name} stream rows`, async () => { for await (const r of streamFacts(e, q)); })
    await t(`${key} ${w} ${name} raw stream`, async () => { for await (const r of e.stream(sql, parameters)); })
    await t(`${key} ${w} ${name} count`, async () => { for await (const r of e.stream(`SELECT count() FROM (${sql})`, parameters)); })
    await t(`${key} ${w} ${name} recount`, () => e.recount(sql, parameters))
    await t(`${key} ${w} ${name} query`, () => e.query(sql, parameters))
    if (w === 'one' && key === 'http_requests') console.log(sql)
  }
}
await e.close(); rmSync(d, { recursive: true })

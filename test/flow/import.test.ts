import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { gunzipSync, zstdCompressSync } from 'node:zlib'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { startCli } from '../support/cli.ts'
import { diceOf } from '../support/dice.ts'
import { recountThedash, semicomplete, thedash } from '../support/recount.ts'
import { removeDirectory, startService, temporaryDirectory } from '../support/service.ts'
import type { RunningService } from '../support/service.ts'

const missing = !existsSync(thedash)
const range = 'from=2013-01-01T00:00:00Z&to=2016-01-01T00:00:00Z'
const seed = Number(process.env['CROSSFOOT_SEED'] ?? 20_131_117)

/** Each way of bringing the files in, however rough, has to end in the same totals, to the byte. */
describe.skipIf(missing)(
  `importing again, in parts, and with kill -9${missing ? ' (skipped: ../shared is absent)' : ''}`,
  () => {
    const data = temporaryDirectory('import')
    const files = temporaryDirectory('import-files')
    let service: RunningService
    let round = 0
    beforeAll(async () => {
      service = await startService({ data })
    })
    beforeEach(() => {
      round += 1
    })
    afterAll(async () => {
      await service.stop()
      removeDirectory(data)
      removeDirectory(files)
    })
    const cli = (...args: string[]) => startCli(args, { CROSSFOOT_URL: service.address, CROSSFOOT_KEY: service.key })
    // Each test brings the files in under sources and an account of its own.
    const dash = (...more: string[]): string[] => [
      'import',
      thedash,
      '--format',
      'nginx-json',
      '--source',
      `dash-${round}`,
      '--account-from',
      `account=dash-${round}`,
      ...more,
    ]
    const complete = (...more: string[]): string[] => [
      'import',
      semicomplete,
      '--format',
      'apache-combined',
      '--source',
      `complete-${round}`,
      '--account-from',
      `account=complete-${round}`,
      ...more,
    ]
    const total = async (account: string, meter: string): Promise<string> =>
      ((await service.get(`/v1/usage?account=${account}&meter=${meter}&${range}`)).body as { total: string }).total
    const expectTotals = async (): Promise<void> => {
      const oracle = [...recountThedash().values()]
      expect(await total(`dash-${round}`, 'http_requests')).toBe('10049')
      expect(await total(`dash-${round}`, 'data_out_body')).toBe(
        String(oracle.reduce((sum, { body }) => sum + body, 0n)),
      )
      expect(await total(`dash-${round}`, 'data_out_wire')).toBe('15649667')
      expect(await total(`complete-${round}`, 'http_requests')).toBe('10000')
      expect(await total(`complete-${round}`, 'data_out_body')).toBe('2747282740')
      for (const [source, last] of [
        [`dash-${round}`, '10049'],
        [`complete-${round}`, '10000'],
      ]) {
        const { body } = await service.get(`/v1/sources/${source}`)
        expect(body).toMatchObject({ source, epochs: [{ epoch: '', accepted: [['1', last]], held: [] }] })
      }
    }
    const done = async (args: string[]): Promise<void> => {
      const { code, stderr } = await cli(...args).ended
      expect(code, stderr).toBe(0)
    }

    test('twice, and once more with every line sent again', async () => {
      for (const again of [[], [], ['--again']]) {
        await done(dash(...again))
        await done(complete(...again))
      }
      await expectTotals()
      const { body } = await service.get(`/v1/sources/complete-${round}`)
      expect(body).toMatchObject({ epochs: [{ checkpoint: { seq: '10000', lost: '0' } }] })
    })

    test('in two halves at once, overlapping', async () => {
      await Promise.all([
        done(dash('--lines', '1-6000')),
        done(dash('--lines', '4000-')),
        done(complete('--lines=-5000')),
        done(complete('--lines', '5001-')),
      ])
      await expectTotals()
    })

    test('backwards in chunks', async () => {
      for (let from = 10_001; from > 0; from -= 2_500) {
        await done(dash('--lines', `${from}-${from + 2_499}`))
        await done(complete('--lines', `${from}-${from + 2_499}`))
      }
      await expectTotals()
    })

    test(`killed with -9 at ten random moments and resumed (seed ${seed})`, async () => {
      const dice = diceOf(seed)
      let killed = 0
      for (let kill = 0; kill < 10; kill += 1) {
        const file = kill % 2 === 0 ? dash() : complete()
        const run = cli(...file)
        // From before its first request to after its last answer; the timer is the moment, not a wait for an outcome.
        const moment = setTimeout(() => run.process.kill('SIGKILL'), 150 + dice(900))
        if ((await run.ended).code === null) killed += 1
        clearTimeout(moment)
      }
      expect(killed).toBeGreaterThan(3)
      await done(dash())
      await done(complete())
      await expectTotals()
    })

    test('renamed, recompressed and grown it is still the same file', async () => {
      const text = gunzipSync(readFileSync(semicomplete))
      const half = text.indexOf('\n', text.length / 2) + 1
      const plain = join(files, 'access.log')
      const packed = join(files, 'access.log.1.zst')
      writeFileSync(plain, text.subarray(0, half))
      writeFileSync(packed, zstdCompressSync(text))
      for (const file of [plain, packed, semicomplete]) {
        await done(['import', file, '--format', 'apache-combined', '--account-from', 'account=moved'])
      }
      expect(await total('moved', 'http_requests')).toBe('10000')
      expect(await total('moved', 'data_out_body')).toBe('2747282740')
    })
  },
)

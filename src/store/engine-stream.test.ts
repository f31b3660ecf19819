import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { startClickHouse } from '../../test/support/clickhouse-server.ts'
import type { ClickHouseServer } from '../../test/support/clickhouse-server.ts'
import { removeDirectory, temporaryDirectory } from '../../test/support/service.ts'
import { openClickHouse } from './engine-server.ts'
import { openChdb } from './engine.ts'
import type { Engine } from './engine.ts'

const directory = temporaryDirectory('engine-stream')
let server: ClickHouseServer | null = null
const engines: readonly (readonly [string, () => Promise<Engine>])[] = [
  ['in process', () => Promise.resolve(openChdb(directory))],
  [
    'behind HTTP',
    async () => {
      server = await startClickHouse()
      return openClickHouse(server.address)
    },
  ],
]
afterAll(async () => {
  await server?.close()
  removeDirectory(directory)
})

describe.each(engines)('streams of an engine %s', (_, open) => {
  let engine: Engine
  beforeAll(async () => {
    engine = await open()
  })
  afterAll(() => engine.close())

  const numbers =
    'SELECT number AS n, concat({word:String}, toString(number)) AS t FROM numbers({most:UInt64}) ORDER BY n'

  test('every row once, in order, in pieces, with parameters; two at a time', async () => {
    const parameters = { word: "it's ", most: 50_000 }
    const [one, two] = await Promise.all(
      [1, 2].map(() => Array.fromAsync(engine.stream<{ n: string; t: string }>(numbers, parameters))),
    )
    expect(one?.length).toBeGreaterThan(1)
    expect(one?.flat()).toEqual(two?.flat())
    expect(one?.flat().map(({ n, t }) => [n, t])).toEqual(
      Array.from({ length: 50_000 }, (_row, index) => [String(index), `it's ${index}`]),
    )
  })

  test('who stops taking rows ends it; an error is an error and not fewer rows', async () => {
    for await (const rows of engine.stream(numbers, { word: '', most: 1_000_000 })) {
      expect(rows.length).toBeGreaterThan(0)
      break
    }
    const failing = 'SELECT throwIf(number = 40000) FROM numbers({most:UInt64})'
    await expect(Array.fromAsync(engine.stream(failing, { most: 100_000 }))).rejects.toThrow(/non-zero/)
    expect((await Array.fromAsync(engine.stream<{ n: string }>(numbers, { word: '', most: 3 }))).flat()).toHaveLength(3)
  })
})

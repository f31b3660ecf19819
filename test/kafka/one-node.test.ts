import { execFileSync, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { setImmediate as turn } from 'node:timers/promises'
import { Admin } from '@platformatic/kafka'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { Refusal } from '../../src/core/errors.ts'
import type { AccountKey, Offset } from '../../src/core/ids.ts'
import type { Arrival, Correction } from '../../src/core/record.ts'
import { clientOptions, Outage, TopicReader, TopicWriter } from '../../src/log/kafka-client.ts'
import { partsOf } from '../../src/log/kafka-records.ts'
import { openTopics, topicNames } from '../../src/log/kafka-topics.ts'
import { openKafkaLog } from '../../src/log/kafka.ts'
import { openLmdbLog } from '../../src/log/lmdb.ts'
import type { EventLog } from '../../src/log/log.ts'
import { arrivalOf, testNow } from '../support/events.ts'
import { contentOf } from '../support/kafka-logs.ts'
import { startKafka } from '../support/kafka/cluster.ts'
import type { Kafka } from '../support/kafka/cluster.ts'
import { available } from '../support/kafka/jars.ts'
import { canMount, mountSmallDisk, unmount } from '../support/tmpfs.ts'
import { until } from '../support/until.ts'

const kinds = ({ outcomes }: { outcomes: readonly { kind: string }[] }): string[] => outcomes.map(({ kind }) => kind)
const range = (from: number, to: number): number[] => Array.from({ length: to - from + 1 }, (_, index) => from + index)
const numbered = (from: number, to: number, more: Record<string, unknown> = {}): Arrival[] =>
  range(from, to).map((seq) => arrivalOf({ seq, ...more }))

/** Held inputs of 120,000 characters each that cannot be compressed. */
const heldNoise = (count: number) =>
  Array.from({ length: count }, (_, index) => {
    const problem = { code: 'EVENT_NOT_JSON', message: '' } as const
    const raw = randomBytes(90_000).toString('base64')
    return { kind: 'held', held: { source: 'edge-1', epoch: '', id: `${index}`, seq: null, raw, problem } } as const
  })

describe.skipIf(!available())('the log on one Kafka node (skipped without CROSSFOOT_KAFKA=1, Java and Maven)', () => {
  let kafka: Kafka
  let prefix = ''
  const logs = new Set<EventLog>()
  const directories: string[] = []
  beforeAll(async () => {
    kafka = await startKafka({ nodes: 1 })
  })
  afterAll(() => kafka.stop())
  afterEach(async () => {
    await Promise.all([...logs].map((log) => log.close()))
    logs.clear()
    for (const directory of directories.splice(0)) rmSync(directory, { recursive: true, force: true })
    prefix = ''
  })

  const newDirectory = (): string => {
    const directory = mkdtempSync(join(tmpdir(), 'crossfoot-kafka-log-'))
    directories.push(directory)
    return directory
  }
  const names = () => {
    prefix ||= `test-${randomBytes(6).toString('hex')}`
    return topicNames(prefix)
  }
  const open = async (directory = newDirectory(), told: string[] = []) => {
    names()
    const options = { brokers: kafka.brokers, topicPrefix: prefix, directory, partitions: 3 }
    const log = await openKafkaLog({
      ...options,
      random: randomBytes,
      onBroken: (error) => told.push(`broken: ${String(error)}`),
      tell: (line) => told.push(line),
    })
    logs.add(log)
    return log
  }
  const close = async (log: EventLog): Promise<void> => {
    logs.delete(log)
    await log.close()
  }
  const withAdmin = async <Done>(action: (admin: Admin) => Promise<Done>): Promise<Done> => {
    const admin = new Admin(clientOptions(kafka.brokers, 'test'))
    try {
      return await action(admin)
    } finally {
      await admin.close()
    }
  }
  const caughtUp = (log: EventLog, other: EventLog) =>
    until(() => log.end() === other.end(), 10_000, 'the other gateway has followed')

  test('L2: the same events at once through two gateways count once, and both see the same log', async () => {
    const [one, two] = [await open(), await open()]
    const batches = Array.from({ length: 10 }, (_, batch) => numbered(batch * 30 + 1, batch * 30 + 30))
    const answers = await Promise.all([one, two].flatMap((log) => batches.map((batch) => log.append(batch, testNow))))
    const all = answers.flatMap(kinds)
    expect(all.filter((kind) => kind === 'accepted').length).toBe(300)
    expect(all.filter((kind) => kind === 'duplicate').length).toBe(300)
    const offsets = answers.flatMap(({ outcomes }) =>
      outcomes.flatMap((o) => (o.kind === 'accepted' ? [o.offset] : [])),
    )
    expect(offsets.toSorted((a, b) => a - b)).toEqual(Array.from({ length: 300 }, (_, index) => index))
    await until(async () => (await two.batches({ before: null, most: 1 }))[0]?.number === 19, 10_000, 'all batches')
    await until(async () => (await one.batches({ before: null, most: 1 }))[0]?.number === 19, 10_000, 'all batches')
    expect(await contentOf(two)).toEqual(await contentOf(one))
  })

  test('L2: an id counts once across a change of the number of partitions', async () => {
    const log = await open()
    const batch = Array.from({ length: 40 }, (_, index) => arrivalOf({ id: `id-${index}` }))
    expect(new Set(kinds(await log.append(batch, testNow)))).toEqual(new Set(['accepted']))
    await withAdmin((admin) =>
      admin.createPartitions({ topics: [{ name: names().events, count: 8, assignments: null }] }),
    )
    // A gateway that is opened now spreads over all partitions.
    const other = await open()
    expect(new Set(kinds(await other.append(batch, testNow)))).toEqual(new Set(['duplicate']))
    const spread = await withAdmin(async (admin) => {
      const partitions = Array.from({ length: 8 }, (_, partitionIndex) => ({ partitionIndex, timestamp: -1n }))
      const [listed] = await admin.listOffsets({ topics: [{ name: names().events, partitions }] })
      return listed?.partitions.filter(({ offset }) => offset > 0n).length ?? 0
    })
    expect(spread).toBeGreaterThan(3)
    expect(other.end()).toBe(40)
  })

  test('L5: a state directory that is lost is built anew from the topics, to the same records', async () => {
    const directory = newDirectory()
    const first = await open(directory)
    await appendOfAllKinds(first)
    const content = await contentOf(first)
    await close(first)
    rmSync(directory, { recursive: true })
    const again = await open(directory)
    expect(await contentOf(again)).toEqual(content)
    expect(kinds(await again.append([arrivalOf({ id: 'a', bytes_out_wire: 1 })], testNow))).toEqual(['duplicate'])
  })

  /** Every kind of arrival, and every other command. */
  const appendOfAllKinds = async (log: EventLog): Promise<void> => {
    const inspected = arrivalOf({ seq: 1, path: '/a\tb\nc', user_agent: 'ünï\u2028' })
    await log.append([inspected, arrivalOf({ id: 'a', bytes_out_wire: 1 }), arrivalOf({ seq: 2, status: -1 })], testNow)
    await log.append([arrivalOf({ id: 'a', bytes_out_wire: 2 }), arrivalOf({ id: 'b', epoch: 'é"' })], testNow, 'me')
    const was = { account: 'acme' as AccountKey, time: testNow }
    const correction: Correction = { kind: 'retract', supersedes: 0 as Offset, was, by: 'ann', reason: 'a "test"' }
    const repaired = arrivalOf({ seq: 2, status: 200 })
    if (repaired.kind !== 'event') throw new Error('the event is well')
    const release = { held: 0, by: 'ann', reason: 'repaired' }
    await log.append(
      [
        { kind: 'correction', correction, event: null },
        { ...repaired, release },
      ],
      testNow,
    )
    await log.writeOff([1], { by: 'ann', reason: 'test' }, testNow)
    const stated = { source: 'edge-1', epoch: '', seq: 2, time: testNow, lost: 1 }
    await log.checkpoint(stated, testNow)
    await log.checkpoint({ ...stated, epoch: 'gone' }, testNow)
    await log.withdrawCheckpoint({ source: 'edge-1', epoch: 'gone' }, { by: 'Ada', reason: 'wrong' }, testNow)
  }

  test('all that can be in a log comes through the topics as it was', async () => {
    const kafkaLog = await open()
    await appendOfAllKinds(kafkaLog)
    const follower = await open()
    // A store that one of them fills is the other's, too.
    expect(follower.name()).toBe(kafkaLog.name())
    // The embedded log, which writes none of it to a network, is the oracle.
    const embedded = openLmdbLog(newDirectory())
    logs.add(embedded)
    await appendOfAllKinds(embedded)
    const content = await contentOf(embedded)
    expect(embedded.end()).toBe(5)
    expect(await contentOf(kafkaLog)).toEqual(content)
    expect(await contentOf(follower)).toEqual(content)
  })

  test('what is larger than a message is split, and comes together again in order', async () => {
    const log = await open()
    const inputs = heldNoise(60)
    expect(new Set(kinds(await log.append(inputs, testNow)))).toEqual(new Set(['held']))
    const follower = await open()
    const ids: (string | null)[] = []
    for (let before: number | null = null; ;) {
      const page = await follower.held({ before, most: 100 })
      ids.push(...page.rows.map(({ id }) => id))
      if (page.next === null) break
      before = page.next
    }
    expect(ids).toEqual(inputs.map(({ held }) => held.id).toReversed())
  })

  test('L1: a part that no commit names, as a crash leaves it, never happened', async () => {
    const log = await open()
    await log.append(numbered(1, 5), testNow)
    const command = { kind: 'append', now: testNow, sender: '', arrivals: numbered(6, 10) } as const
    const writer = new TopicWriter(clientOptions(kafka.brokers, 'test'), names().events)
    for (const { partition, value } of await partsOf([command], 3)) {
      await writer.send([{ partition, key: 'crashed/1/0', value }])
    }
    await writer.close()
    const other = await open()
    expect(kinds(await other.append(numbered(5, 7), testNow))).toEqual(['duplicate', 'accepted', 'accepted'])
    await caughtUp(log, other)
    expect(log.end()).toBe(7)
    expect((await log.source('edge-1'))?.[0]?.accepted).toEqual([[1, 7]])
  })

  test('L1: a commit that its writer sent twice counts once, in the balance, too', async () => {
    const log = await open()
    await log.append(numbered(1, 5), testNow)
    const client = clientOptions(kafka.brokers, 'test')
    const reader = new TopicReader(
      client,
      (await openTopics(client, { prefix, partitions: 3, tell: () => undefined })).commits,
      new Outage(() => undefined),
    )
    const [answer] = await reader.fetch([{ partition: 0, offset: 0 }], 0)
    await reader.close()
    const writer = new TopicWriter(client, names().commits)
    for (const { key, value } of answer?.records ?? []) await writer.send([{ partition: 0, key, value }])
    await writer.close()
    await log.append(numbered(6, 6), testNow)
    const follower = await open()
    for (const each of [log, follower]) {
      expect((await each.batches({ before: null, most: 10 })).map(({ received }) => received)).toEqual([1n, 5n])
      expect(each.end()).toBe(6)
    }
  })

  test('topics that would forget, and directories of something else, are refused with what to do', async () => {
    await withAdmin(async (admin) => {
      const create = (topic: string, configs: Record<string, string>, partitions = 1) =>
        admin.createTopics({
          topics: [topic],
          partitions,
          replicas: 1,
          configs: Object.entries({ 'max.message.bytes': '8388608', ...configs }).map(([name, value]) => ({
            name,
            value,
          })),
        })
      await create(names().events, { 'retention.ms': '604800000' })
      await expect(open()).rejects.toThrow(
        'retention.ms=604800000, so it would lose what was acknowledged; set retention.ms=-1',
      )
      prefix = ''
      await create(names().events, { 'retention.ms': '-1' })
      await create(names().commits, { 'retention.ms': '-1', 'cleanup.policy': 'compact' })
      await expect(open()).rejects.toThrow(`${names().commits} has cleanup.policy=compact`)
      prefix = ''
      await create(names().events, { 'retention.ms': '-1' })
      await create(names().commits, { 'retention.ms': '-1' }, 2)
      await expect(open()).rejects.toThrow('has 2 partitions and must have 1')
      prefix = ''
      // L3: one copy, and nothing that forces it to disk.
      await create(names().events, { 'retention.ms': '-1', 'flush.messages': '1' })
      await create(names().commits, { 'retention.ms': '-1' })
      await expect(open()).rejects.toThrow(
        new RegExp(`${names().commits} has 1 replicas, min.insync.replicas=1 .* or set flush.messages=1`),
      )
      prefix = ''
      await create(names().events, { 'retention.ms': '-1', 'flush.messages': '1' })
      await create(names().commits, { 'retention.ms': '-1', 'flush.messages': '1' })
      await close(await open())
      prefix = ''
    })
    const directory = newDirectory()
    const log = await open(directory)
    await log.append(numbered(1, 1), testNow)
    await expect(open(directory)).rejects.toThrow('open in')
    await close(log)
    prefix = ''
    await expect(open(directory)).rejects.toThrow('made from other topics')
    const embedded = openLmdbLog(newDirectory())
    await embedded.append(numbered(1, 1), testNow)
    await embedded.close()
    await expect(open(directories.at(-1))).rejects.toThrow('holds an embedded log')
    const nowhere = { brokers: '127.0.0.1:1', topicPrefix: 'x', directory, partitions: 1, random: randomBytes }
    await expect(openKafkaLog(nowhere)).rejects.toThrow(/^no Kafka broker of 127.0.0.1:1 answers \(/)
  })

  test('a broker that is away is answered with "send it again", and the log goes on when it is back', async () => {
    const told: string[] = []
    const log = await open(newDirectory(), told)
    await log.append(numbered(1, 5), testNow)
    await kafka.killNode(0)
    await expect(log.append(numbered(6, 10), testNow)).rejects.toMatchObject({
      code: 'OVERLOADED',
      retryAfterSeconds: 1,
    })
    // What is there can be read all the time.
    expect(log.end()).toBe(5)
    const waiting = log.append(numbered(6, 12), testNow)
    await kafka.restartNode(0)
    expect(new Set(kinds(await waiting))).toEqual(new Set(['accepted']))
    expect(log.end()).toBe(12)
    const expected = [`reading ${names().commits}`, 'writing'].flatMap((what) => [
      `Kafka: ${what} does not work`,
      `Kafka: ${what} works again`,
    ])
    const missing = () => expected.filter((start) => !told.some((line) => line.startsWith(start)))
    await until(() => missing().length === 0, 10_000, 'the operator was told of each outage and its end')
  })

  test('L3: what a gateway acknowledged before kill -9 is there, in its own directory and in others', async () => {
    const directory = newDirectory()
    const program = join(import.meta.dirname, '../support/kafka-gateway.ts')
    for (const round of [1, 2]) {
      names()
      const gateway = spawn(process.execPath, [program, kafka.brokers, prefix, directory], {
        stdio: ['ignore', 'pipe', 'inherit'],
      })
      const acknowledged: number[] = []
      createInterface({ input: gateway.stdout }).on('line', (line) => acknowledged.push(Number(line)))
      await until(() => acknowledged.length >= 20 * round + 3, 30_000, 'the gateway acknowledges')
      const gone = once(gateway, 'close')
      gateway.kill('SIGKILL')
      await gone
      const [same, other] = [await open(directory), await open()]
      const numbers = new Set((await same.source('edge-1'))?.[0]?.accepted.flatMap(([from, to]) => range(from, to)))
      const promised = acknowledged.flatMap((last) => range(last - 49, last))
      expect(promised.filter((number) => !numbers.has(number))).toEqual([])
      expect(await contentOf(other)).toEqual(await contentOf(same))
      await Promise.all([same, other].map(close))
    }
  })

  test.skipIf(!canMount())(
    'L3: a gateway whose own disk is full takes nothing, and catches up when there is room',
    async () => {
      const directory = newDirectory()
      mountSmallDisk(directory, 4)
      try {
        const log = await open(directory)
        const other = await open()
        // Committed, and too much for the disk: not lost, and not answered before it is applied.
        const large = log.append(heldNoise(40), testNow)
        const codeOf = (error: unknown) => (error instanceof Refusal ? error.code : 'unexpected')
        await until(
          async () => (await Promise.race([log.append([], testNow).catch(codeOf), turn('taken')])) === 'DISK_FULL',
          10_000,
          'nothing more is taken',
        )
        execFileSync('mount', ['-o', 'remount,size=64m', directory])
        expect(new Set(kinds(await large))).toEqual(new Set(['held']))
        expect(kinds(await log.append(numbered(1, 1), testNow))).toEqual(['accepted'])
        await caughtUp(other, log)
        expect(await contentOf(log)).toEqual(await contentOf(other))
        await close(log)
      } finally {
        unmount(directory)
      }
    },
  )
})

/** The two topics of a log: made when they are missing, refused when they would forget. */
import { setTimeout as pause } from 'node:timers/promises'
import { Admin, findErrorBy } from '@platformatic/kafka'
import type { BaseOptions, ClusterMetadata } from '@platformatic/kafka'
import { reasonOf } from './kafka-client.ts'
import type { Topic } from './kafka-client.ts'
import { limits } from './kafka-records.ts'

export interface Topics {
  /** What arrived, in partitions. */
  readonly events: Topic
  /** The order of the log, in the one partition 0. */
  readonly commits: Topic
}

const topicResource = 2
const waits = { attempts: 100, millis: 100 } as const

/** What must hold of a topic that is the truth. Retention is by record time, which is the time of arrival. */
const required: Readonly<Record<string, string>> = {
  'cleanup.policy': 'delete',
  'retention.ms': '-1',
  'retention.bytes': '-1',
  'unclean.leader.election.enable': 'false',
}

interface Wish {
  readonly prefix: string
  /** Of the event topic, when it is created. */
  readonly partitions: number
  readonly tell: (text: string) => void
}

export function topicNames(prefix: string): { readonly events: string; readonly commits: string } {
  return { events: `${prefix}.events`, commits: `${prefix}.commits` }
}

/** Makes sure that both topics are there and keep everything; throws a message for the operator otherwise. */
export async function openTopics(options: BaseOptions, { prefix, partitions, tell }: Wish): Promise<Topics> {
  const admin = new Admin(options)
  try {
    const names = topicNames(prefix)
    await admin.metadata({ topics: [] }).catch((error: unknown) => {
      const brokers = options.bootstrapBrokers.map(String).join(', ')
      throw new Error(`no Kafka broker of ${brokers} answers (${reasonOf(error)})`, { cause: error })
    })
    await createMissing(admin, names.events, partitions)
    await createMissing(admin, names.commits, 1)
    const { topics, brokers } = await ready(admin, [names.events, names.commits])
    for (const name of [names.events, names.commits]) await check(admin, name)
    for (const [name, { partitions }] of topics) {
      const copies = Math.min(...partitions.map(({ replicas }) => replicas.length))
      if (copies < Math.min(3, brokers.size)) {
        tell(
          `Kafka: the topic ${name} has ${copies} replicas on ${brokers.size} brokers; 3 survive the loss of a broker`,
        )
      }
    }
    const commits = topics.get(names.commits)?.partitionsCount
    if (commits !== 1) {
      throw new Error(
        `the topic ${names.commits} has ${commits} partitions and must have 1: it is the order of the log`,
      )
    }
    const idOf = (name: string): string => topics.get(name)?.id ?? ''
    for (const [name, { partitions }] of topics) {
      await checkDurable(admin, name, Math.min(...partitions.map(({ replicas }) => replicas.length)))
    }
    return {
      events: { name: names.events, id: idOf(names.events) },
      commits: { name: names.commits, id: idOf(names.commits) },
    }
  } finally {
    await admin.close()
  }
}

async function createMissing(admin: Admin, topic: string, partitions: number): Promise<void> {
  if ((await admin.listTopics()).includes(topic)) return
  const { brokers } = await admin.metadata({ topics: [], forceUpdate: true })
  const replicas = Math.min(3, brokers.size)
  const configs = {
    ...required,
    'message.timestamp.type': 'LogAppendTime',
    'max.message.bytes': String(limits.messageBytesMax),
    'min.insync.replicas': replicas >= 3 ? '2' : '1',
    // L3: without a second replica in sync, only the disk of the one broker survives its power loss.
    ...(replicas >= 3 ? {} : { 'flush.messages': '1' }),
  }
  try {
    await admin.createTopics({
      topics: [topic],
      partitions,
      replicas,
      configs: Object.entries(configs).map(([name, value]) => ({ name, value })),
    })
  } catch (error) {
    // Another gateway was faster.
    if (findErrorBy(error as Error, 'apiId', 'TOPIC_ALREADY_EXISTS') === null) throw error
  }
}

/** A topic that was just created is not known to all brokers at once. */
async function ready(admin: Admin, names: string[]): Promise<ClusterMetadata> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      const metadata = await admin.metadata({ topics: [...names], forceUpdate: true })
      const all = names.flatMap((name) => metadata.topics.get(name)?.partitions ?? [{ leader: -1 }])
      if (all.every(({ leader }) => leader >= 0)) return metadata
    } catch (error) {
      if (attempt >= waits.attempts) throw error
    }
    if (attempt >= waits.attempts) throw new Error(`the topics ${names.join(' and ')} have partitions without a leader`)
    await pause(waits.millis)
  }
}

async function settingsOf(admin: Admin, topic: string, names: string[]): Promise<Map<string, string>> {
  const [description] = await admin.describeConfigs({
    resources: [{ resourceType: topicResource, resourceName: topic, configurationKeys: names }],
  })
  return new Map(description?.configs.map(({ name, value }) => [name, value ?? '']))
}

/** L3: what is acknowledged lies on two disks at least, or was forced to the one that there is. */
export function isDurable(copies: number, settings: ReadonlyMap<string, string>): boolean {
  return settings.get('flush.messages') === '1' || (copies >= 3 && Number(settings.get('min.insync.replicas')) >= 2)
}

async function checkDurable(admin: Admin, topic: string, copies: number): Promise<void> {
  const found = await settingsOf(admin, topic, ['min.insync.replicas', 'flush.messages'])
  if (isDurable(copies, found)) return
  throw new Error(
    `the topic ${topic} has ${copies} replicas, min.insync.replicas=${found.get('min.insync.replicas')} and ` +
      `flush.messages=${found.get('flush.messages')}, so a power cut could lose what was acknowledged; give it 3 ` +
      'replicas and set min.insync.replicas=2, or set flush.messages=1',
  )
}

async function check(admin: Admin, topic: string): Promise<void> {
  const found = await settingsOf(admin, topic, [...Object.keys(required), 'max.message.bytes'])
  for (const [name, value] of Object.entries(required)) {
    if (found.get(name) === value) continue
    throw new Error(
      `the topic ${topic} has ${name}=${found.get(name)}, so it would lose what was acknowledged; set ${name}=${value}`,
    )
  }
  if (Number(found.get('max.message.bytes')) < limits.messageBytesMax) {
    throw new Error(
      `the topic ${topic} has max.message.bytes=${found.get('max.message.bytes')}; set at least ${limits.messageBytesMax}`,
    )
  }
}

import { execFile, spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, mkdirSync, mkdtempSync, openSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { Admin } from '@platformatic/kafka'
import { isRunning } from '../../../src/app/running-process.ts'
import { until } from '../until.ts'
import { brokerJars } from './jars.ts'

const run = promisify(execFile)
const clusterId = 'Y3Jvc3Nmb290LXRlc3QtMQ'
const readyMillis = 90_000
const prefix = 'crossfoot-test-kafka-'

export interface Kafka {
  /** host:port, with commas between. */
  readonly brokers: string
  /** kill -9, and waits until it is gone. Nodes are numbered from 0. */
  killNode(index: number): Promise<void>
  /** Starts a killed node again, and waits until all nodes are in. */
  restartNode(index: number): Promise<void>
  stop(): Promise<void>
}

interface Node {
  readonly id: number
  readonly port: number
  readonly controllerPort: number
  readonly directory: string
  process: ChildProcess | null
}

async function freePorts(count: number): Promise<number[]> {
  const servers = Array.from({ length: count }, () => createServer().listen(0, '127.0.0.1'))
  await Promise.all(servers.map((server) => once(server, 'listening')))
  const ports = servers.map((server) => (server.address() as AddressInfo).port)
  await Promise.all(servers.map((server) => once(server.close(), 'close')))
  return ports
}

/** Both roles in each node; small, quick to notice a dead neighbour, and never the reason for a lost topic. */
function properties(node: Node, nodes: readonly Node[]): string {
  const voters = nodes.map(({ id, controllerPort }) => `${id}@127.0.0.1:${controllerPort}`).join(',')
  const copies = Math.min(3, nodes.length)
  return `process.roles=broker,controller
node.id=${node.id}
controller.quorum.voters=${voters}
controller.listener.names=CONTROLLER
listeners=PLAINTEXT://127.0.0.1:${node.port},CONTROLLER://127.0.0.1:${node.controllerPort}
advertised.listeners=PLAINTEXT://127.0.0.1:${node.port}
listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT
inter.broker.listener.name=PLAINTEXT
log.dirs=${join(node.directory, 'data')}
auto.create.topics.enable=false
offsets.topic.replication.factor=${copies}
transaction.state.log.replication.factor=${copies}
transaction.state.log.min.isr=1
broker.heartbeat.interval.ms=500
broker.session.timeout.ms=3000
controller.quorum.election.timeout.ms=500
controller.quorum.fetch.timeout.ms=1500
num.network.threads=2
num.io.threads=4
log.cleaner.dedupe.buffer.size=2097152
log.index.size.max.bytes=262144
`
}

/** The class path is a wildcard; the rest makes a small and quickly started process of it. */
function javaArguments(jars: string, heap: string): string[] {
  return [
    `-Xmx${heap}`,
    '-XX:+UseSerialGC',
    '-XX:TieredStopAtLevel=1',
    '-Xshare:auto',
    `-Dlog4j2.configurationFile=${join(import.meta.dirname, 'log4j2.properties')}`,
    '-cp',
    `${jars}/*`,
  ]
}

/**
 * A broker ends (kill -9) when the standard input of its shell does: when it is to be killed, and also when whoever
 * started it is gone, however that ended.
 */
const leash = `exec 3<&0
java "$@" </dev/null & broker=$!
{ read -r line <&3; kill -9 $broker; } & watcher=$!
wait $broker; status=$?
kill $watcher
exit $status`

function startNode(node: Node, jars: string): void {
  const output = openSync(join(node.directory, 'output.log'), 'a')
  const args = [...javaArguments(jars, '256m'), 'kafka.Kafka', join(node.directory, 'server.properties')]
  node.process = spawn('sh', ['-c', leash, 'sh', ...args], { stdio: ['pipe', output, output] })
  closeSync(output)
}

async function killProcess(node: Node): Promise<void> {
  const child = node.process
  if (child === null || child.exitCode !== null || child.signalCode !== null) return
  const exit = once(child, 'exit')
  child.stdin?.end()
  await exit
  node.process = null
}

/** Asks each node by itself until it knows all of them. */
async function ready(nodes: readonly Node[]): Promise<void> {
  for (const node of nodes) {
    await until(() => knowsAll(node, nodes.length), readyMillis, `node ${node.id} of Kafka knows all nodes`)
  }
}

async function knowsAll(node: Node, count: number): Promise<boolean> {
  if (node.process !== null && node.process.exitCode !== null) {
    throw new Error(`a Kafka node ended:\n${readFileSync(join(node.directory, 'output.log'), 'utf8').slice(-4000)}`)
  }
  const admin = new Admin({
    clientId: 'ready',
    bootstrapBrokers: [`127.0.0.1:${node.port}`],
    retries: 0,
    connectTimeout: 500,
    requestTimeout: 2000,
  })
  try {
    const { brokers } = await admin.metadata({ topics: [], forceUpdate: true })
    return brokers.size === count
  } catch {
    return false
  } finally {
    await admin.close()
  }
}

/** A run that was killed could not clean up after itself. */
function removeAbandoned(): void {
  for (const name of readdirSync(tmpdir()).filter((name) => name.startsWith(prefix))) {
    if (isRunning(Number(name.slice(prefix.length).split('-', 1)[0]))) continue
    rmSync(join(tmpdir(), name), { recursive: true, force: true })
  }
}

/** A real Kafka of one or three nodes on this machine, with its data in a temporary folder. */
export async function startKafka({ nodes: count }: { readonly nodes: 1 | 3 }): Promise<Kafka> {
  const jars = await brokerJars()
  removeAbandoned()
  const root = mkdtempSync(join(tmpdir(), `${prefix}${process.pid}-`))
  const ports = await freePorts(count * 2)
  const nodes = Array.from({ length: count }, (_, index): Node => {
    const directory = join(root, `node-${index}`)
    return {
      id: index + 1,
      port: ports[index * 2] ?? 0,
      controllerPort: ports[index * 2 + 1] ?? 0,
      directory,
      process: null,
    }
  })
  const stop = async (): Promise<void> => {
    await Promise.all(nodes.map(killProcess))
    rmSync(root, { recursive: true, force: true })
  }
  const nodeAt = (index: number): Node => {
    const node = nodes[index]
    if (node === undefined) throw new Error(`there is no node ${index}`)
    return node
  }
  try {
    for (const node of nodes) {
      mkdirSync(node.directory)
      const file = join(node.directory, 'server.properties')
      writeFileSync(file, properties(node, nodes))
      const format = ['kafka.tools.StorageTool', 'format', '--cluster-id', clusterId, '--config', file]
      await run('java', [...javaArguments(jars, '128m'), ...format])
      startNode(node, jars)
    }
    await ready(nodes)
  } catch (error) {
    await stop()
    throw error
  }
  return {
    brokers: nodes.map(({ port }) => `127.0.0.1:${port}`).join(','),
    killNode: (index) => killProcess(nodeAt(index)),
    restartNode: async (index) => {
      startNode(nodeAt(index), jars)
      await ready(nodes)
    },
    stop,
  }
}

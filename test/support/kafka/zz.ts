import { startKafka } from './cluster.ts'
const k = await startKafka({ nodes: 1 })
console.log(k.brokers)
setInterval(() => {}, 1000)

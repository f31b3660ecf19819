import { openLmdbLog } from '../../src/log/lmdb.ts'
import { logContract } from './log.ts'

// Kafka joins this list with its own issue.
logContract('LMDB', openLmdbLog)

import { openPipeline } from '../support/pipeline.ts'
import { storeContract } from './store.ts'

// A ClickHouse server joins this list with its own issue.
storeContract('chDB', openPipeline)

import type { Agent } from './agent.ts'
import { limits } from './limits.ts'
import { ServiceError } from './service.ts'

export interface AgentPace {
  /** Fires when the agent is to end in an orderly way. */
  readonly signal: AbortSignal
  /** Waits until a log may have changed, or so long; returns at once when the agent is to end. */
  readonly untilChange: (milliseconds: number) => Promise<void>
  /** Waits until something was taken from the logs, or so long; returns at once when the agent is to end. */
  readonly untilTaken: (milliseconds: number) => Promise<void>
  readonly taken: () => void
  /** Waits so long; returns at once when the agent is to end. */
  readonly pause: (milliseconds: number) => Promise<void>
  /** Lets nobody bring anything any more, and returns when all that was brought is answered for. */
  readonly closeDoors: () => Promise<void>
  readonly note: (message: string) => void
}

/**
 * Collects and sends side by side until the signal, then once more each. What is not sent by then waits in the spool.
 */
export async function runAgent(agent: Agent, pace: AgentPace): Promise<void> {
  await Promise.all([collectAll(agent, pace), sendAll(agent, pace)])
  await pace.closeDoors()
  for (let look = await agent.collect(); look === 'taken'; look = await agent.collect()) pace.taken()
  agent.save()
  try {
    while (await agent.send());
    await agent.checkpoint('now')
  } catch (error) {
    if (!(error instanceof ServiceError)) throw error
    pace.note(`${error.message}; what is not sent waits in the spool`)
  }
  agent.save()
}

async function collectAll(agent: Agent, pace: AgentPace): Promise<void> {
  while (!pace.signal.aborted) {
    const collected = await agent.collect()
    // Lines come one by one, and each look costs an fsync: those of a moment share one.
    if (collected === 'taken') {
      pace.taken()
      await pace.pause(limits.groupMs)
    } else await pace.untilChange(limits.pollMs)
  }
}

/** Whatever the service says, the lines wait: a wrong key can be put right, and a service comes back. */
async function sendAll(agent: Agent, pace: AgentPace): Promise<void> {
  while (!pace.signal.aborted) {
    let pauseMs = 0
    try {
      if (!(await agent.send())) pauseMs = limits.pollMs
      await agent.checkpoint()
    } catch (error) {
      if (!(error instanceof ServiceError)) throw error
      pace.note(`${error.message}; trying again`)
      pauseMs = limits.sendAgainMs
    }
    if (pauseMs > 0) await pace.untilTaken(pauseMs)
  }
}

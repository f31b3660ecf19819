import { join } from 'node:path'
import { Campaign } from './campaign.ts'
import type { CampaignResult } from './campaign.ts'
import { PowerDisk } from './power-loss.ts'
import { discardData, temporaryDirectory } from './service.ts'
import type { ServiceOptions } from './service.ts'

export interface CampaignRun {
  readonly rounds: number
  readonly seed: number
  readonly powerCuts: boolean
  /** How the service is started, beyond where its data is. */
  readonly service?: Omit<ServiceOptions, 'data'>
  readonly progress?: (round: number, what: string) => void
}

/** A whole campaign on a data directory of its own, which is removed at the end. Throws what did not hold. */
export async function runCampaign({
  rounds,
  seed,
  powerCuts,
  service,
  progress,
}: CampaignRun): Promise<CampaignResult> {
  const disk = powerCuts ? new PowerDisk('campaign') : null
  const data = disk === null ? temporaryDirectory('campaign') : join(disk.path, 'data')
  const campaign = new Campaign({ seed, disk, service: { ...service, data } })
  try {
    await campaign.open()
    for (let number = 1; number <= rounds; number += 1) {
      await campaign.round(number)
      progress?.(number, `${campaign.result().events} events`)
    }
    await campaign.finish()
    return campaign.result()
  } finally {
    await campaign.close()
    await discardData(data)
    await disk?.remove()
  }
}

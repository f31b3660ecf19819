import type { Door, DoorWorld, Place } from '../../collect/door.ts'
import { openOtlpDoor } from '../../collect/otlp-door.ts'
import { openSyslogDoor } from '../../collect/syslog-door.ts'
import type { SyslogPlace } from '../../collect/syslog-door.ts'
import { UsageError } from './command.ts'

/** Where the agent lets itself be brought something. */
export interface Doors {
  readonly otlp: Place | undefined
  readonly syslog: readonly SyslogPlace[]
}

/** `127.0.0.1:4318`, `[::1]:4318`, `localhost:4318`. */
function readPlace(text: string, option: string): Place {
  const [, six, four, digits = ''] = /^(?:\[([0-9a-fA-F:.]+)\]|([^\s:/[\]]+)):(\d{1,5})$/.exec(text) ?? []
  const host = six ?? four
  const port = Number(digits)
  if (host === undefined || port > 65_535)
    throw new UsageError(`${option} ${text} is not ADDRESS:PORT, such as 127.0.0.1:4318 or [::1]:4318`)
  return { host, port }
}

export function readDoors(otlp: string | undefined, syslog: readonly string[]): Doors {
  return {
    otlp: otlp === undefined ? undefined : readPlace(otlp, '--otlp'),
    syslog: syslog.map((text) => {
      const [, transport, place] = /^(udp|tcp):\/\/(.+)$/.exec(text) ?? []
      if ((transport !== 'udp' && transport !== 'tcp') || place === undefined)
        throw new UsageError(`--syslog ${text} is not udp://ADDRESS:PORT or tcp://ADDRESS:PORT`)
      return { transport, ...readPlace(place, '--syslog') }
    }),
  }
}

/** Opens all of them, and tells where. A door that cannot be opened closes those that are. */
export async function openDoors({ otlp, syslog }: Doors, world: DoorWorld): Promise<() => Promise<void>> {
  const opened: Door[] = []
  const closeAll = async (): Promise<void> => {
    await Promise.all(opened.splice(0).map((door) => door.close()))
  }
  const told = ({ host }: Place, { port }: Door): string => `${host.includes(':') ? `[${host}]` : host}:${port}`
  try {
    if (otlp !== undefined) {
      const door = await openOtlpDoor(otlp, world)
      opened.push(door)
      world.note(`OTLP/HTTP at http://${told(otlp, door)}/v1/logs`)
    }
    for (const place of syslog) {
      const door = await openSyslogDoor(place, world)
      opened.push(door)
      world.note(`syslog at ${place.transport}://${told(place, door)}`)
    }
  } catch (error) {
    await closeAll()
    throw new UsageError(`cannot listen: ${(error as Error).message}`)
  }
  return closeAll
}

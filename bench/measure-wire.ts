import { startChild } from './child.ts'
import type { Wire, WireAddress } from './wire.ts'
import type { WireClientOptions, WireResult, WireTask } from './wire-client.ts'
import type { WireServerOptions } from './wire-server.ts'

/** Lets one process ask another over a wire, for each task in turn; what each does first, for a third of its time, is to warm up. */
export async function measureWire(wire: Wire, tasks: readonly WireTask[]): Promise<WireResult[]> {
  await using server = startChild('wire-server.ts', { wire } satisfies WireServerOptions)
  const address = await server.message<WireAddress>()
  await using client = startChild('wire-client.ts', { wire, ...address } satisfies WireClientOptions)
  await client.message()
  const results: WireResult[] = []
  for (const task of tasks) {
    client.process.send({ ...task, milliseconds: task.milliseconds / 3 })
    await client.message<WireResult>()
    client.process.send(task)
    results.push(await client.message<WireResult>())
  }
  return results
}

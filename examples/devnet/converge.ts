import { systemClock } from '../../src/runtime/clock.ts'
import type { Devnet } from './devnet.ts'
import type { NodeProcess } from './node-process.ts'
import type { NodeReport } from './node-protocol.ts'
import { StallWatch } from './stall-watch.ts'

/** Nodes that get on no more for so long will not get there. */
const STALL_MS = 30_000
/** Milliseconds between looks. */
const LOOK_MS = 50

/** What came of it. */
export interface Convergence {
  /** The commit that the validators stopped at. */
  readonly height: number
  /** Where each member ended, in their order. */
  readonly reports: readonly NodeReport[]
}

/** What of a devnet converges. */
export type Converging = Pick<Devnet, 'tip' | 'signal'> & {
  readonly [group in 'validators' | 'members']: readonly { readonly process: Pick<NodeProcess, 'call'> }[]
}

/**
 * Stops all validators at one commit, and waits until every node has stored and executed it, or none gets on for too long.
 *
 * @throws the signal's reason
 */
export async function converge(devnet: Converging, stallMs: number = STALL_MS): Promise<Convergence> {
  const height = await stopValidators(devnet)
  const stall = new StallWatch<string>(stallMs)
  while (true) {
    const reports = await Promise.all(devnet.members.map(({ process }) => process.call('report', null, devnet.signal)))
    const positions = reports.map(({ highestSynced, highestExecuted }) => Math.min(highestSynced, highestExecuted))
    if (positions.every((position) => position >= height) || stall.isStalled(positions.join()))
      return { height, reports }
    await systemClock.sleep(LOOK_MS, { signal: devnet.signal })
  }
}

/** They hand in commits while they are asked: one that is beyond the height already moves it up for all. */
async function stopValidators({ validators, tip, signal }: Converging): Promise<number> {
  let height = tip + 1
  while (true) {
    const stops = await Promise.all(validators.map(({ process }) => process.call('stopAt', height, signal)))
    const highest = Math.max(...stops)
    if (highest === height) return height
    height = highest
  }
}

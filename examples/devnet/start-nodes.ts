import { join } from 'node:path'
import type { ChainSettings } from './chain-settings.ts'
import type { Devnet, DevnetMember } from './devnet.ts'
import { machineTime, type NodeStarted } from './node-protocol.ts'

/** What the nodes of a devnet are started with. */
export interface StartNodesInit {
  /** Each node has a directory in it, by its name. */
  readonly dataDirectory: string
  readonly chain: ChainSettings
  readonly linkMbit: number | undefined
  /** Milliseconds between rounds. */
  readonly roundMs: number
  /** Whether each node has a status page. */
  readonly hasPages: boolean
}

/** Where a node keeps what it has. */
export function directoryOf(member: DevnetMember, { dataDirectory }: StartNodesInit): string {
  return join(dataDirectory, member.name)
}

/**
 * Starts the validators, which know the first of them, and makes all go on from the commit of the highest.
 *
 * @returns the address of the first, and that commit
 */
export async function startValidators(devnet: Devnet, init: StartNodesInit): Promise<{ seed: string; height: number }> {
  const [first, ...others] = devnet.validators
  if (first === undefined) throw new RangeError('a devnet without validators')
  const seed = await startMember(devnet, first, init, [], 0)
  const started = await Promise.all(others.map((member) => startMember(devnet, member, init, [seed.address], 0)))
  const height = Math.max(...[seed, ...started].map(({ highestSynced }) => highestSynced))
  const pace = { index: height, at: machineTime() + init.roundMs, roundMs: init.roundMs }
  await Promise.all(devnet.validators.map(({ process }) => process.call('pace', pace, devnet.signal)))
  return { seed: seed.address, height }
}

/** Starts the full nodes, which know one address. They have caught up when they hold every commit up to `target`. */
export async function startFullNodes(
  devnet: Devnet,
  init: StartNodesInit,
  seed: string,
  target: number
): Promise<void> {
  await Promise.all(devnet.fullNodes.map((member) => startMember(devnet, member, init, [seed], target)))
}

async function startMember(
  devnet: Devnet,
  member: DevnetMember,
  init: StartNodesInit,
  seeds: readonly string[],
  target: number
): Promise<NodeStarted> {
  const { role, index } = member
  const directory = directoryOf(member, init)
  const { chain, linkMbit, hasPages: hasPage } = init
  const settings = { role, index, directory, chain, seeds, linkMbit, hasPage, target }
  const started = await member.process.call('start', settings, devnet.signal)
  member.page = started.page
  return started
}

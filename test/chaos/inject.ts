import type { ChaosNetwork } from './chaos-network.ts'
import type { Fault } from './fault.ts'

/** What a fault is injected with. */
export interface InjectInit {
  readonly network: Pick<
    ChaosNetwork,
    'links' | 'members' | 'member' | 'ask' | 'killNode' | 'startNode' | 'wipe' | 'letConsensus' | 'lie'
  >
  /** @throws the signal's reason */
  readonly sleep: (milliseconds: number) => Promise<void>
}

/**
 * Lets a fault happen, from its beginning to its end.
 *
 * @returns the nodes that it befell
 */
export async function inject(fault: Fault, { network, sleep }: InjectInit): Promise<readonly string[]> {
  const { links } = network
  switch (fault.kind) {
    case 'kill':
    case 'join': {
      const member = network.member(fault.node)
      await network.killNode(member)
      if (fault.kind === 'join') await network.wipe(member)
      await sleep(fault.forMs)
      await network.startNode(member, { joins: fault.kind === 'join' })
      return [fault.node]
    }
    case 'partition': {
      const { nodes, passage, forMs } = fault
      const validators = nodes.filter((name) => network.member(name).role === 'validator')
      links.part(nodes, passage)
      await network.letConsensus(validators, false)
      await sleep(forMs)
      links.join()
      await network.letConsensus(validators, true)
      return nodes
    }
    case 'slow': {
      const { node, delayMs, megabitsPerSecond, forMs } = fault
      links.slow(node, { delayMs, megabitsPerSecond })
      await sleep(forMs)
      links.slow(node, {})
      return [node]
    }
    case 'tear':
      links.tear(fault.node, fault.afterBytes)
      return [fault.node]
    case 'disk': {
      const member = network.member(fault.node)
      await network.ask(member, 'disk', fault.fault)
      await sleep(fault.forMs)
      await network.ask(member, 'disk', {}) // one that was killed meanwhile has a disk that works
      return [fault.node]
    }
    case 'clock': {
      const member = network.member(fault.node)
      const { lives } = member
      await network.ask(member, 'clock', fault.jumpMs)
      await sleep(fault.forMs)
      if (member.lives === lives) await network.ask(member, 'clock', -fault.jumpMs)
      return [fault.node]
    }
    case 'lie':
      await network.lie(fault)
      return []
  }
}

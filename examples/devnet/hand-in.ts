import type { ConsensusCommit, SomaNode } from '../../src/node/soma-node.ts'
import type { ValidatorKeys } from '../../src/testing/validator-keys.ts'
import type { ExecutedConsensus, ExecutedState } from '../scripted/executed-consensus.ts'
import { machineTime, type NodeEvent } from './node-protocol.ts'

/** A commit that a validator's consensus has made. */
export interface MadeCommit {
  readonly commit: ConsensusCommit
  /** The validator's. */
  readonly keys: ValidatorKeys
  readonly consensus: Pick<ExecutedConsensus, 'epochOf'>
  readonly node: { readonly consensus: Pick<SomaNode['consensus'], 'sendCommit'> }
  readonly ledger: ExecutedState
  readonly signal: AbortSignal
  readonly tell: (event: NodeEvent) => void
}

/**
 * Hands a validator's node the commits of its epochs. Those of an epoch that it sits out its node gets from the others, like a full node: they are waited for.
 *
 * @throws {ConsensusInterfaceError} when the node refuses the commit
 * @throws the signal's reason, while it waits
 */
export async function handIn({ commit, keys, consensus, node, ledger, signal, tell }: MadeCommit): Promise<void> {
  const { index } = commit.subDag.commit.ref
  if (consensus.epochOf(index).keys.includes(keys)) {
    tell({ event: 'handed-in', index, at: machineTime() })
    await node.consensus.sendCommit(commit)
  } else {
    await ledger.stateAfter(index, { signal })
  }
}

import { membersOf } from '../../src/testing/committee-builder.ts'
import type { BuiltGenesis } from '../../src/testing/genesis-builder.ts'
import { ScriptedConsensus, type ScriptedConsensusOptions } from '../../src/testing/scripted-consensus.ts'
import type { EpochEnds } from '../ledger/epoch-end.ts'
import type { TransactionKind } from '../ledger/ledger-position.ts'
import { certifiedTransfers } from './certified-transfers.ts'
import { rotatingCommittee } from './rotating-committee.ts'

/** What the chain of a scripted consensus follows from. */
export interface ScriptedChainInit extends BuiltGenesis {
  readonly seed: number
  readonly kind: TransactionKind
  /** Transactions of a block; of transfers, the mean while all validators are there. */
  readonly transactions: number
  /** Bytes of an opaque transaction. */
  readonly transactionBytes: number
  /** Milliseconds between rounds. */
  readonly roundIntervalMs: number
  /** Commits of an epoch. `undefined` for one epoch without an end. */
  readonly epochCommits: number | undefined
  /** Whether validators sit out in turn: see {@link rotatingCommittee}. @default true */
  readonly rotates?: boolean
  /** Whether an epoch's last commit proves who comes next. @default true */
  readonly proofs?: boolean
}

/** What makes the chain: the same in every process. */
export function scriptedChain(
  init: ScriptedChainInit
): ScriptedConsensusOptions & { readonly roundIntervalMs: number } {
  const { genesis, keys, seed, kind, transactions, transactionBytes, roundIntervalMs, epochCommits } = init
  const { rotates = true, proofs = true } = init
  const { chainId, committee } = genesis
  const users = transactions * keys.length
  return {
    genesis,
    keys,
    seed,
    transactions,
    transactionBytes,
    roundIntervalMs,
    ...(kind === 'certified' && { content: certifiedTransfers({ chainId, seed, users }) }),
    ...(epochCommits !== undefined && {
      epochs: {
        commits: epochCommits,
        proofs,
        ...(rotates && { validators: rotatingCommittee(membersOf({ committee, keys })) })
      }
    })
  }
}

/** Where the epochs of a scripted chain end, for the ledgers of one that does not prove it. */
export function scriptedEpochEnds(options: ScriptedConsensusOptions): EpochEnds {
  const consensus = new ScriptedConsensus(options)
  return (epoch) => {
    const { lastCommit } = consensus.epoch(epoch)
    return Number.isFinite(lastCommit) ? { lastCommit, nextCommittee: consensus.epoch(epoch + 1).committee } : undefined
  }
}

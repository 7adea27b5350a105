import type { EpochEnds } from '../../examples/ledger/epoch-end.ts'
import { openLedger } from '../../examples/ledger/ledger.ts'
import type { Digest } from '../../src/consensus/digest.ts'
import { createMemoryLevel } from '../../src/storage/memory-store.ts'
import {
  buildChain,
  type Chain,
  changingValidators,
  encodeEndOfPublish,
  type ScriptedCommit,
  ScriptedConsensus,
  type ScriptedPlace
} from '../../src/testing/index.ts'
import { transferBytes } from './ledger-transfers.ts'

/** A chain of certified transfers in epochs, which hand over the state that a ledger has. */
export interface ExecutedChain extends Chain {
  /** The state after each commit, from that of the genesis on. */
  readonly states: readonly Digest[]
  /** Where epochs end: what a ledger of a chain without proofs is opened with. */
  readonly epochEnds: EpochEnds
}

export interface ExecutedChainOptions {
  readonly commits: number
  readonly perEpoch: number
  /** @default true */
  readonly proofs?: boolean
  /** Makes the state of an epoch's end another than the ledger's. @default as it is */
  readonly tamper?: (state: Digest, index: number) => Digest
}

/** Builds a chain as validators do: each commit is executed before the next is made. */
export async function buildExecutedChain(options: ExecutedChainOptions): Promise<ExecutedChain> {
  const { commits: length, perEpoch, proofs = true, tamper = (state) => state } = options
  const { genesis, keys } = buildChain({ commits: 0 })
  const states: Digest[] = [genesis.stateHash]
  const stateHash = ({ index }: { index: number }) => tamper(states[index] ?? new Uint8Array(32), index)
  const validators = changingValidators({ sizes: [4, 7, 1] })
  const init = { genesis, keys, seed: 1, content, epochs: { commits: perEpoch, validators, proofs, stateHash } }
  const consensus = new ScriptedConsensus(init)
  const epochEnds: EpochEnds = (epoch) => {
    const { lastCommit } = consensus.epoch(epoch)
    return { lastCommit, nextCommittee: consensus.epoch(epoch + 1).committee }
  }
  const commits: ScriptedCommit[] = []
  const ledger = await openLedger('memory', {
    genesis,
    transactions: 'certified',
    epochEnds,
    level: createMemoryLevel()
  })
  try {
    while (commits.length < length) {
      const commit = consensus.nextCommit()
      commits.push(commit)
      const mayDiverge = options.tamper !== undefined && commit.nextCommittee !== undefined
      if (mayDiverge) break
      const [executed] = await ledger.execute([commit.subDag])
      if (executed !== undefined) states.push(executed.stateDigest)
    }
  } finally {
    await ledger.close()
  }
  const committees = [genesis.committee, ...commits.flatMap(({ nextCommittee }) => nextCommittee ?? [])]
  return { genesis, keys, commits, committees, consensus, options: init, states, epochEnds }
}

/** Transfers that succeed and fail, again in the next round and in the next epoch, beside ends of publishing. */
function content({ plan: { epoch }, round, author }: ScriptedPlace): Uint8Array[] {
  const from = `${round}/${author}`
  const right = { from: `${epoch}/${from}`, to: `${author}`, amount: 10 * round, nonce: 0, shared: [`${author}`, 'x'] }
  const wrong = { ...right, nonce: 5 }
  const before = { ...right, from: `${epoch}/${round - 1}/${author}`, amount: 10 * (round - 1) }
  const inEveryEpoch = { from, to: `${author}`, amount: 1, nonce: 0 }
  const transfers = [right, wrong, before, inEveryEpoch].map((transfer) => transferBytes(transfer, epoch))
  return round > 5 ? [...transfers, encodeEndOfPublish({ epoch, author })] : transfers
}

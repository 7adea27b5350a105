import { scriptedChain } from '../../examples/scripted/scripted-chain.ts'
import {
  buildGenesis,
  type CommitteeMember,
  deriveValidatorKeys,
  type ScriptedConsensusOptions,
  type ValidatorKeys
} from '../../src/testing/index.ts'

/** What decides the chain of a run: the same in every process. */
export interface ChaosChain {
  readonly seed: number
  readonly validators: number
  /** Of them, the last. */
  readonly byzantine: number
  /** Milliseconds since the Unix epoch: commits are made when they are due by it. */
  readonly startTimeMs: number
  readonly roundIntervalMs: number
  readonly epochCommits: number
}

/** Stakes that move with the epochs. With at most `(n - 1) / 3` Byzantine validators, those have 28.6 % at most, whichever honest one sits out. */
const BYZANTINE_STAKE = 4
const HONEST_STAKE = 5

/** The scripted consensus of a run. In turn each honest validator sits out an epoch; the Byzantine ones are always there. */
export function chaosConsensus(chain: ChaosChain): ScriptedConsensusOptions & { readonly roundIntervalMs: number } {
  const { seed, validators, startTimeMs, roundIntervalMs, epochCommits } = chain
  const genesis = buildGenesis({
    validators: Array.from({ length: validators }, (_, index) => ({ keys: deriveValidatorKeys(seed, index) })),
    startTimeMs
  })
  const rounds = { transactions: 1, transactionBytes: 0, roundIntervalMs, epochCommits, rotates: false }
  const options = scriptedChain({ ...genesis, seed, kind: 'certified', ...rounds })
  return { ...options, epochs: { commits: epochCommits, validators: committeeOf(genesis.keys, chain) } }
}

/** The keys of a full node, which keeps its peer id over its lives. */
export function fullNodeKeys({ seed, validators }: ChaosChain, index: number): ValidatorKeys {
  return deriveValidatorKeys(seed, validators + index)
}

function committeeOf(
  keys: readonly ValidatorKeys[],
  { validators, byzantine }: ChaosChain
): (epoch: number) => CommitteeMember[] {
  const honest = validators - byzantine
  return (epoch) =>
    keys.flatMap((own, index) => {
      if (index >= honest) return { keys: own, stake: BYZANTINE_STAKE }
      const sitsOut = honest > 1 && index === (epoch % (honest + 1)) - 1
      return sitsOut ? [] : { keys: own, stake: HONEST_STAKE + ((index + epoch) % 2) }
    })
}

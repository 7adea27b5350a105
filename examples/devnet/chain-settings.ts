import { z } from 'zod'
import { buildGenesis } from '../../src/testing/genesis-builder.ts'
import type { ScriptedConsensusOptions } from '../../src/testing/scripted-consensus.ts'
import { deriveValidatorKeys, type ValidatorKeys } from '../../src/testing/validator-keys.ts'
import type { TransactionKind } from '../ledger/ledger-position.ts'
import { scriptedChain } from '../scripted/scripted-chain.ts'

/** What decides the chain of a devnet: the same settings give the same commits, on every machine. */
export interface ChainSettings {
  readonly seed: number
  readonly validators: number
  /** Commits that are made before the validators start. */
  readonly commits: number
  /** Transactions of a block. */
  readonly transactions: number
  readonly transactionBytes: number
  /** Commits of an epoch, whose blocks hold certified transfers. Without, one epoch of opaque transactions has no end. */
  readonly epochCommits?: number
}

export const chainSettingsSchema: z.ZodType<ChainSettings> = z.strictObject({
  seed: z.int().nonnegative(),
  validators: z.int().positive(),
  commits: z.int().positive(),
  transactions: z.int().nonnegative(),
  transactionBytes: z.int().nonnegative(),
  epochCommits: z.int().positive().exactOptional()
})

/** Fixed, so that a seed gives the same chain today and tomorrow. */
const START_TIME_MS = Date.UTC(2026, 0, 1)
/** Between rounds, by the timestamps of their blocks; how fast they are made is another thing. */
export const ROUND_INTERVAL_MS = 250

/** What a validator's scripted consensus is made from: the genesis, and everyone's keys by index in the committee. */
export function scriptedConsensusOptions(settings: ChainSettings): ScriptedConsensusOptions {
  const { seed, validators, transactions, transactionBytes, epochCommits } = settings
  const built = buildGenesis({
    validators: Array.from({ length: validators }, (_, index) => ({ keys: deriveValidatorKeys(seed, index) })),
    startTimeMs: START_TIME_MS
  })
  const kind = transactionKind(settings)
  const rounds = { transactions, transactionBytes, roundIntervalMs: ROUND_INTERVAL_MS, epochCommits }
  return scriptedChain({ ...built, seed, kind, ...rounds })
}

/** What the blocks of a devnet's chain hold. */
export function transactionKind({ epochCommits }: ChainSettings): TransactionKind {
  return epochCommits === undefined ? 'opaque' : 'certified'
}

/** The keys of a full node: it keeps its peer id over restarts. */
export function fullNodeKeys({ seed, validators }: ChainSettings, index: number): ValidatorKeys {
  return deriveValidatorKeys(seed, validators + index)
}

import type { LedgerOptions } from '../../examples/ledger/ledger.ts'
import type { CommittedSubDag } from '../../src/consensus/committed-sub-dag.ts'
import { GENESIS, longChain } from './ledger-chain.ts'
import { buildExecutedChain } from './ledger-epoch-chain.ts'

/** A chain that is executed by processes which are killed, the same in each of them. */
export interface ChainToKill {
  readonly subDags: readonly CommittedSubDag[]
  readonly options: LedgerOptions
}

/** @param name `opaque`, or `epochs`: certified transfers in epochs of three commits, whose ends the ledger has to know */
export async function chainToKill(name: string): Promise<ChainToKill> {
  if (name === 'opaque') return { subDags: longChain(400), options: { genesis: GENESIS } }
  const { commits, genesis, epochEnds } = await buildExecutedChain({ commits: 60, perEpoch: 3, proofs: false })
  return { subDags: commits.map(({ subDag }) => subDag), options: { genesis, transactions: 'certified', epochEnds } }
}

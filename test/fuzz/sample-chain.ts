import { decodeSignedBlock, type SignedBlock } from '../../src/consensus/signed-block.ts'
import { buildChain, type Chain, changingValidators } from '../../src/testing/index.ts'

let chain: Chain | undefined

/** Commits of the sample chain: three epochs. */
export const SAMPLE_COMMITS = 18

/** A chain with everything that a chain can have: epochs that hand over by proof to other validators. */
export function sampleChain(): Chain {
  chain ??= buildChain({
    commits: SAMPLE_COMMITS,
    epochs: { commits: 6, validators: changingValidators({ sizes: [4] }) }
  })
  return chain
}

/** All blocks of the sample chain: those of commits, and certifiers that are in none. */
export function sampleBlocks(): SignedBlock[] {
  const { commits } = sampleChain()
  return commits.flatMap(({ subDag, certifiers }) => [...subDag.blocks, ...certifiers.map(decodeSignedBlock)])
}

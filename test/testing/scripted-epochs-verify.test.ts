import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { Committee } from '../../src/consensus/committee.ts'
import { buildChain, commitAt, forkChain, lastCommitOfEpoch } from '../../src/testing/chain-builder.ts'
import { changingValidators } from '../../src/testing/changing-validators.ts'
import { forgeSubDag, replaceCommit } from '../../src/testing/forge.ts'
import { verifyChain } from './verify-chain.ts'

function bytesOf(committees: Iterable<Committee>): string[] {
  return Array.from(committees, ({ bytes }) => Buffer.from(bytes).toString('base64'))
}

describe('the verifier and the scripted consensus agree on epochs', () => {
  for (const [name, validators, epochs, commits] of [
    ['50 epochs of 20 commits', 4, { commits: 20, validators: changingValidators({ sizes: [4] }) }, 1_000],
    ['epochs of one commit', 4, { commits: 1, validators: changingValidators({ sizes: [4, 7] }) }, 20],
    ['epochs of which validators are the same', 7, { commits: 5 }, 23],
    ['epochs of 1, 4 and 7 validators', 1, { commits: 3, validators: changingValidators({ sizes: [1, 4, 7] }) }, 36],
    ['100 validators from epoch 1 to 2', 4, { commits: 1, validators: changingValidators({ sizes: [4, 100, 100] }) }, 3]
  ] as const) {
    test(name, async () => {
      const chain = buildChain({ commits, validators, epochs, transactions: 1 })
      const learned = await verifyChain(chain.genesis, chain.commits, { certifiedEach: 10 })
      assert.deepEqual(bytesOf(learned.values()), bytesOf(chain.committees))
    })
  }

  test('epochs without proofs', async () => {
    const epochs = { commits: 5, validators: changingValidators({ sizes: [4] }), proofs: false }
    const chain = buildChain({ commits: 22, epochs })
    await verifyChain(chain.genesis, chain.commits, { proofs: false })
  })

  test('a fork in the middle of an epoch and one at its end, and a chain with a commit replaced', async () => {
    const chain = buildChain({ commits: 20, epochs: { commits: 6, validators: changingValidators({ sizes: [4] }) } })
    for (const after of [9, 12]) await verifyChain(chain.genesis, forkChain(chain, { after, commits: 20 }).commits)
    const index = lastCommitOfEpoch(chain, 1) - 1
    const { blocks } = commitAt(chain, index).subDag
    const replacement = forgeSubDag(commitAt(chain, index - 1).subDag.commit.ref, blocks.slice(-1))
    await verifyChain(chain.genesis, replaceCommit(chain, index, replacement))
  })
})

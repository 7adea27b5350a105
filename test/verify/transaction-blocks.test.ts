import assert from 'node:assert/strict'
import { after, describe, test } from 'node:test'
import { buildChain, commitAt } from '../../src/testing/chain-builder.ts'
import { forgeBlock } from '../../src/testing/forge.ts'
import { encodeCertified, encodeEndOfPublish, TransactionSigner } from '../../src/testing/sign-transaction.ts'
import { createBlockVerifier } from '../../src/verify/block-verifier.ts'
import { acquireSignaturePool } from '../../src/verify/signature-pool.ts'
import { createTransactionVerifier } from '../../src/verify/transaction-verifier.ts'

const chain = buildChain({ commits: 3 })
const { chainId, committee } = chain.genesis
const { blocks } = commitAt(chain, 3).subDag
const signer = new TransactionSigner({ chainId, committee, keys: chain.keys })
const signatures = acquireSignaturePool({ workers: 2 })
const verifier = createBlockVerifier({
  chainId,
  signatures,
  bls: signatures,
  getCommittee: () => committee,
  transactionVerifier: createTransactionVerifier({ chainId, signatures })
})

/** The blocks of a commit, each with certified transactions of which its neighbours have some too, and what else is given. */
function blocksWith(...others: ((author: number) => Uint8Array)[]) {
  return blocks.map((block, place) => {
    const certified = Array.from({ length: 10 }, (_, index) =>
      encodeCertified(signer.sign(new Uint8Array(32).fill(1), Uint8Array.of(place * 5 + index)))
    )
    const transactions = [...certified, ...others.map((make) => make(block.ref.author))]
    return forgeBlock(chain, block, { transactions })
  })
}

describe('blocks of certified transactions', () => {
  after(() => signatures.release())

  test('are verified with all that is in them', async () => {
    const made = blocksWith((author) => encodeEndOfPublish({ epoch: 0, author }))
    assert.deepEqual(await verifier.verify(made), made)
  })

  test('are refused when one ends publishing for another validator', async () => {
    const made = blocksWith((author) => encodeEndOfPublish({ epoch: 0, author: author === 0 ? 0 : author - 1 }))
    const guilty = made.find(({ ref }) => ref.author !== 0)
    await assert.rejects(verifier.verify(made), {
      code: 'BLOCK_BAD_TRANSACTION',
      block: guilty?.ref,
      message: /invalid transaction 10: ends publishing for validator/
    })
  })

  test('are refused when they hold bytes that are no transactions', async () => {
    await assert.rejects(verifier.verify(blocks), { code: 'BLOCK_BAD_TRANSACTION', block: blocks[0]?.ref })
  })
})

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { buildChain } from '../../src/testing/chain-builder.ts'
import { changingValidators } from '../../src/testing/changing-validators.ts'
import type { ScriptedContent } from '../../src/testing/scripted-content.ts'
import { encodeCertified, encodeEndOfPublish, TransactionSigner } from '../../src/testing/sign-transaction.ts'
import { TestNetwork } from '../../src/testing/test-network.ts'
import { haltStore } from './meet-halt.ts'

/** A certified transaction in each block, and in an epoch's last round an end of publishing. */
const certified: ScriptedContent = ({ plan, round, author }) => {
  const { committee, keys, epoch, lastRound } = plan
  if (round >= lastRound) return [encodeEndOfPublish({ epoch, author })]
  const signer = new TransactionSigner({ chainId: genesis.chainId, committee, keys })
  return [encodeCertified(signer.sign(new Uint8Array(32).fill(author), new Uint8Array([epoch, round])))]
}
const built = buildChain({ commits: 0 })
const { genesis } = built
const epochs = { commits: 10, validators: changingValidators({ sizes: [4, 3] }) }
const chain = buildChain({ commits: 30, genesis: built, content: certified, epochs })

describe('a node that verifies certified transactions by itself', () => {
  test('syncs a chain of them over its epochs', async () => {
    await using network = new TestNetwork(chain)
    const server = await network.start({ commits: 30 })
    const node = await network.start({ seeds: [server], transactionVerifier: 'certified' })
    await network.reached(node, 30)
    assert.equal((await node.status()).epoch, 3)
  })

  // Only in round 1: certifiers are of later rounds, and must be valid for their votes to count.
  for (const [what, broken] of Object.entries<ScriptedContent>({
    'opaque bytes': () => [new Uint8Array(100).fill(7)],
    'a certificate of another epoch': (place) => certified({ ...place, plan: chain.consensus.epoch(1) })
  })) {
    const content: ScriptedContent = (place) => (place.round === 1 ? broken(place) : certified(place))
    test(`halts at a certified commit with ${what}, and stores nothing`, async (t) => {
      const halt = await haltStore(t, genesis)
      await using network = new TestNetwork(buildChain({ commits: 12, genesis: built, content }))
      const server = await network.start({ commits: 12 })
      const node = await network.start({ seeds: [server], store: halt.store, transactionVerifier: 'certified' })
      const { code } = await halt.record
      assert.equal(code, 'SYNC_CERTIFIED_DATA_REFUSED')
      assert.equal(node.store.watermarks.highestSynced.index, 0)
    })
  }
})

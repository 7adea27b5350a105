import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { getCommitAvailability } from '../../src/state-sync/protocols.ts'
import { buildChain, startByzantinePeer, TestNetwork } from '../../src/testing/index.ts'

const chain = buildChain({ commits: 30 })

describe('startByzantinePeer', () => {
  it('is an honest peer where its script says nothing, whichever side dials', async () => {
    await using network = new TestNetwork(chain)
    await using peer = await startByzantinePeer({ chain })
    const dialled = await network.start()
    await peer.dial(dialled)
    await network.reached(dialled, 30, { signal: AbortSignal.timeout(20_000) })
    const dialling = await network.start({ seeds: peer.addresses() })
    await network.reached(dialling, 30, { signal: AbortSignal.timeout(20_000) })
    assert.ok(peer.asked('fetchCommits') > 0 && peer.asked('fetchBlocks') > 0)
    assert.equal(peer.asked('pushCommit'), 0)
  })

  it('follows its script, request by request', async () => {
    let claims = 0
    await using peer = await startByzantinePeer({
      chain,
      script: {
        getCommitAvailability: {
          async *answer(honest) {
            for await (const { lowestAvailable } of honest) yield { highestCertifiable: ++claims, lowestAvailable }
          }
        }
      }
    })
    await using other = await startByzantinePeer({ chain })
    await other.dial(peer)
    const ask = () => other.libp2p.services.rpc.call(peer.peerId, getCommitAvailability, { timestampMs: 0 })
    assert.deepEqual(await ask(), { highestCertifiable: 1, lowestAvailable: 1 })
    assert.deepEqual(await ask(), { highestCertifiable: 2, lowestAvailable: 1 })
    assert.equal(peer.asked('getCommitAvailability'), 2)
  })

  it('tells when a connection is gone, and stops more than once', async () => {
    const [peer, other] = await Promise.all([startByzantinePeer({ chain }), startByzantinePeer({ chain })])
    await peer.dial(other)
    const gone = peer.disconnectedFrom(other.peerId, { signal: AbortSignal.timeout(20_000) })
    await other.stop()
    await gone
    await peer.disconnectedFrom(other.peerId)
    await peer.stop()
    await peer.stop()
  })
})

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { SomaNode } from '../../src/node/soma-node.ts'
import { toHex } from '../../src/runtime/hex.ts'
import { errorCode } from '../../src/runtime/soma-error.ts'
import {
  buildChain,
  type Chain,
  changingValidators,
  commitAt,
  lastCommitOfEpoch,
  TestNetwork
} from '../../src/testing/index.ts'

const signal = () => AbortSignal.timeout(90_000)

const EPOCHS = 50
const PER_EPOCH = 12
const LENGTH = EPOCHS * PER_EPOCH
const chain = buildChain({
  commits: LENGTH,
  validators: 4,
  epochs: { commits: PER_EPOCH, validators: changingValidators({ sizes: [4, 7, 1, 4] }) }
})

async function assertWhole(node: SomaNode, of: Chain, length: number): Promise<void> {
  let expected = 0
  for await (const { commit, blocks } of node.subscribe({ from: 1, signal: signal() })) {
    expected += 1
    assert.equal(commit.ref.index, expected)
    assert.equal(toHex(commit.ref.digest), toHex(commitAt(of, expected).subDag.commit.ref.digest))
    assert.equal(blocks.length, commit.commit.blocks.length)
    if (expected === length) break
  }
  assert.equal(expected, length)
}

describe('a chain of many epochs', () => {
  it('is synced from the genesis by a node that executes nothing, through fifty changes of the committee', async () => {
    await using network = new TestNetwork(chain)
    const server = await network.start({ commits: LENGTH })
    const node = await network.start({ seeds: [server] })
    await network.reached(node, LENGTH, { signal: signal() })
    await assertWhole(node, chain, LENGTH)
    for (let epoch = 0; epoch < EPOCHS; epoch++) {
      assert.equal(await node.store.getLastCommitOfEpoch(epoch), lastCommitOfEpoch(chain, epoch))
      const committee = await node.store.getCommittee(epoch + 1)
      assert.deepEqual(committee?.digest, chain.committees[epoch + 1]?.digest)
    }
    assert.equal((await node.status()).epoch, EPOCHS)
    assert.equal(node.store.watermarks.highestCertifiable, LENGTH)
  })

  it('is synced by several peers at once, and served on with proof', async () => {
    await using network = new TestNetwork(chain)
    const servers = [await network.start({ commits: LENGTH }), await network.start({ commits: LENGTH / 2 + 5 })]
    const node = await network.start({ seeds: servers })
    await network.reached(node, LENGTH, { signal: signal() })
    for (const server of servers) await network.stop(server)
    const last = await network.start({ seeds: [node], config: { commitsPerRange: 7 } })
    await network.reached(last, LENGTH, { signal: signal() })
    await assertWhole(last, chain, LENGTH)
  })

  it('goes on where it was when a node starts again, at an end of an epoch and elsewhere', async () => {
    await using network = new TestNetwork(chain)
    const server = await network.start({ commits: LENGTH })
    for (const commits of [
      lastCommitOfEpoch(chain, 3),
      lastCommitOfEpoch(chain, 3) - 1,
      lastCommitOfEpoch(chain, 3) + 1
    ]) {
      const node = await network.start({ commits, seeds: [server] })
      await network.reached(node, LENGTH, { signal: signal() })
      await network.stop(node)
    }
  })

  it('is made and followed live: commits of local consensus hand over as synced ones do', async () => {
    await using network = new TestNetwork(chain)
    const validator = await network.start({ validator: 0 })
    const node = await network.start({ seeds: [validator] })
    const until = lastCommitOfEpoch(chain, 2) + 3
    for (let index = 1; index <= until; index++) await network.commit(index, [validator])
    await network.reached(node, until, { signal: signal() })
    await assertWhole(node, chain, until)
    assert.equal((await validator.status()).epoch, 3)
    const key = validator.peerId.publicKey?.raw ?? new Uint8Array()
    const isMember = chain.committees[3]?.validators.some(({ networkKey }) => Buffer.compare(networkKey, key) === 0)
    assert.equal((await validator.status()).role, isMember ? 'validator' : 'full')
  })

  it('refuses of local consensus a commit of another epoch than the chain goes on in', async () => {
    await using network = new TestNetwork(chain)
    const last = lastCommitOfEpoch(chain, 0)
    const node = await network.start({ commits: last })
    const other = buildChain({ commits: last + 1, validators: 4 }) // the same genesis, one endless epoch
    const wrong = { ...commitAt(other, last + 1) }
    await assert.rejects(node.consensus.sendCommit(wrong), (thrown) => errorCode(thrown) === 'CONSENSUS_INVALID')
    assert.equal(await node.consensus.sendCommit(commitAt(chain, last + 1)), 'stored')
  })

  it('is synced on the word of its quorums in the mode `certified`', async () => {
    await using network = new TestNetwork(chain)
    const server = await network.start({ commits: LENGTH })
    const node = await network.start({ seeds: [server], verification: 'certified' })
    await network.reached(node, LENGTH, { signal: signal() })
    await assertWhole(node, chain, LENGTH)
  })
})

describe('a chain whose committees are inserted', () => {
  const epochs = { commits: 8, validators: changingValidators({ sizes: [4, 7] }), proofs: false }
  const unproven = buildChain({ commits: 24, validators: 4, epochs })
  const start = async (network: TestNetwork, commits: number, seeds: SomaNode[] = []) =>
    await network.start({ commits, seeds, handOver: 'inserted' })

  it('waits at the end of each epoch for the executing node, says so, and blames no peer', async () => {
    await using network = new TestNetwork(unproven)
    const server = await start(network, 24)
    const node = await start(network, 0, [server])
    for (const epoch of [0, 1]) {
      const last = lastCommitOfEpoch(unproven, epoch)
      await network.reached(node, last, { signal: signal() })
      while ((await node.status()).health.epoch?.state !== 'degraded') await new Promise((wake) => setTimeout(wake, 20))
      const { health, highestSynced, peers } = await node.status()
      assert.match(JSON.stringify(health.epoch), new RegExp(`insert the committee of epoch ${epoch + 1}`))
      assert.equal(highestSynced.index, last)
      assert.equal(peers[0]?.score.penalty, 0)
      const committee = unproven.committees[epoch + 1]
      if (committee === undefined) throw new RangeError('no such epoch')
      assert.equal(await node.insertCommittee(committee, commitAt(unproven, last).subDag.commit.ref), 'stored')
      assert.equal(await node.insertCommittee(committee, commitAt(unproven, last).subDag.commit.ref), 'known')
    }
    await network.reached(node, 24, { signal: signal() })
    await assertWhole(node, unproven, 24)
    assert.deepEqual((await node.status()).health.epoch, { state: 'ok' })
  })

  it('refuses a committee for a commit that is not stored yet, and for another epoch', async () => {
    await using network = new TestNetwork(unproven)
    const node = await start(network, 5)
    const [, first, second] = unproven.committees
    if (first === undefined || second === undefined) throw new RangeError('no such epochs')
    const refOf = (index: number) => commitAt(unproven, index).subDag.commit.ref
    await assert.rejects(node.insertCommittee(first, refOf(8)), (thrown) => errorCode(thrown) === 'CONSENSUS_GAP')
    await assert.rejects(node.insertCommittee(second, refOf(5)), (thrown) => errorCode(thrown) === 'CONSENSUS_INVALID')
    assert.equal((await node.status()).epoch, 0)
  })

  it('halts when the chain went on where the executing node says that the epoch ended', async () => {
    await using network = new TestNetwork(unproven)
    const node = await start(network, 5)
    const [, first] = unproven.committees
    if (first === undefined) throw new RangeError('no such epoch')
    const conflict = (thrown: unknown) => errorCode(thrown) === 'SYNC_COMMITTEE_CONFLICT'
    await assert.rejects(node.insertCommittee(first, commitAt(unproven, 4).subDag.commit.ref), conflict)
    assert.match(JSON.stringify((await node.status()).health['state-sync']), /SYNC_COMMITTEE_CONFLICT/)
  })
})

describe('a committee inserted on a chain that proves its own', () => {
  it('is compared with the proven one: before, after, and halting the sync where it differs', async () => {
    await using network = new TestNetwork(chain)
    const last = lastCommitOfEpoch(chain, 0)
    const refOf = (index: number) => commitAt(chain, index).subDag.commit.ref
    const [, first, second] = chain.committees
    if (first === undefined || second === undefined) throw new RangeError('no such epochs')
    const node = await network.start({ commits: last - 1 })
    assert.equal(await node.insertCommittee(first, refOf(last)), 'expected')
    assert.equal(await node.consensus.sendCommit(commitAt(chain, last)), 'stored')
    assert.equal(await node.insertCommittee(first, refOf(last)), 'known')

    const misled = await network.start({ commits: last - 1 })
    await misled.insertCommittee({ ...second, epoch: 1 }, refOf(last))
    const server = await network.start({ commits: 40 })
    server.setConfiguredPeers(misled.addresses())
    const isHalted = async () =>
      /SYNC_COMMITTEE_CONFLICT/.test(JSON.stringify((await misled.status()).health['state-sync']))
    while (!(await isHalted())) await new Promise((wake) => setTimeout(wake, 20))
    assert.equal(misled.store.watermarks.highestSynced.index, last - 1)
  })
})

describe('a state that an epoch hands over, and that this node has computed otherwise', () => {
  const other = new Uint8Array(32).fill(7)
  const last = lastCommitOfEpoch(chain, 1)
  const localStateHash = async (lastCommit: number) => (lastCommit === last ? other : undefined)

  it('halts the sync before it is stored, with the evidence, and blames nobody', async () => {
    await using network = new TestNetwork(chain)
    const server = await network.start({ commits: LENGTH })
    const blamed: string[] = []
    const onPeerReport = ({ code, consequence }: { code: string; consequence: string }) => {
      if (consequence !== 'none') blamed.push(code)
    }
    const node = await network.start({ seeds: [server], localStateHash, onPeerReport })
    const isHalted = async () =>
      /SYNC_CERTIFIED_DATA_REFUSED/.test(JSON.stringify((await node.status()).health['state-sync']))
    while (!(await isHalted())) await new Promise((wake) => setTimeout(wake, 20))
    assert.ok(node.store.watermarks.highestSynced.index < last)
    assert.equal(await node.store.getCommittee(2), undefined)
    while ((await node.store.getRecord('state-sync/halt')) === undefined)
      await new Promise((wake) => setTimeout(wake, 20))
    const record = JSON.parse(new TextDecoder().decode(await node.store.getRecord('state-sync/halt')))
    assert.equal(record.code, 'SYNC_CERTIFIED_DATA_REFUSED')
    assert.equal(record.peer, server.peerId.toString())
    assert.equal(record.blocks.length, 1)
    assert.deepEqual(blamed, [])
  })

  it('is refused of local consensus by a code of its own', async () => {
    await using network = new TestNetwork(chain)
    const node = await network.start({ commits: last - 1, localStateHash })
    const refused = node.consensus.sendCommit(commitAt(chain, last))
    await assert.rejects(refused, (thrown) => errorCode(thrown) === 'CONSENSUS_INVALID')
    assert.equal(node.store.watermarks.highestSynced.index, last - 1)
  })
})

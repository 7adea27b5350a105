import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import type { SomaNode } from '../../src/node/soma-node.ts'
import { toHex } from '../../src/runtime/hex.ts'
import {
  buildChain,
  buildGenesis,
  changingValidators,
  commitAt,
  type DelayingProxy,
  deriveValidatorKeys,
  networkPrivateKey,
  startDelayingProxy,
  TestNetwork
} from '../../src/testing/index.ts'

const SIZES = [4, 1, 7, 100, 4]
const PER_EPOCH = 3
/** The last epoch is under way where the chain ends. */
const LENGTH = SIZES.length * PER_EPOCH - 1
/** By the index of its keys, a validator of the genesis' epoch alone. */
const LEAVING = 0
/** One of every epoch from the third on. */
const JOINING = 6

/** An address that a committee names before anybody listens there. */
interface Place extends AsyncDisposable {
  readonly address: string
  leadTo(node: SomaNode): void
}

async function reservePlace(): Promise<Place> {
  const target = { host: '127.0.0.1', port: 1 }
  const proxy: DelayingProxy = await startDelayingProxy({ target })
  return {
    address: `/ip4/127.0.0.1/tcp/${proxy.address.port}`,
    leadTo(node) {
      target.port = Number(/tcp\/(\d+)/.exec(node.addresses()[0] ?? '')?.[1])
    },
    [Symbol.asyncDispose]: () => proxy.stop()
  }
}

async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await condition())) await delay(20)
}

describe(`committees of ${SIZES.join(', ')} validators`, () => {
  it('change while the chain goes on, and whoever has the genesis file finds them all', {
    timeout: 240_000
  }, async () => {
    await using places = new AsyncDisposableStack()
    const leaving = places.use(await reservePlace())
    const joining = places.use(await reservePlace())
    const addresses = (index: number) => {
      if (index === LEAVING) return [leaving.address]
      return index === JOINING ? [joining.address] : []
    }
    const validators = changingValidators({ sizes: SIZES, addresses })
    const genesis = buildGenesis({ validators: validators(0), startTimeMs: Date.UTC(2026, 0, 1) })
    const chain = buildChain({ commits: LENGTH, genesis, epochs: { commits: PER_EPOCH, validators } })
    assert.deepEqual(
      chain.committees.map((committee) => committee.validators.length),
      SIZES
    )

    await using network = new TestNetwork(chain)
    const keyOf = (index: number) => networkPrivateKey(deriveValidatorKeys(1, index))
    const old = await network.start({ privateKey: await keyOf(LEAVING) })
    const young = await network.start({ privateKey: await keyOf(JOINING) })
    leaving.leadTo(old)
    joining.leadTo(young)
    const signal = AbortSignal.timeout(200_000)
    for (let index = 1; index <= LENGTH; index++) {
      await network.commit(index, [old, young])
      const { epoch } = commitAt(chain, index).subDag.commit.commit
      if (index % PER_EPOCH !== 0) {
        assert.equal((await old.status()).role, epoch === 0 ? 'validator' : 'full')
        assert.equal((await young.status()).role, epoch < 2 ? 'full' : 'validator')
      }
    }
    // Nobody introduced them to each other but the committees.
    const isMet = async (node: SomaNode, other: SomaNode) =>
      (await node.status()).peers.some(({ peerId }) => peerId === other.peerId.toString())
    await until(() => isMet(old, young))

    for (const verification of ['full', 'certified'] as const) {
      const fresh = await network.start({ verification })
      await network.reached(fresh, LENGTH, { signal })
      assert.equal((await fresh.status()).epoch, SIZES.length - 1)
      for (const committee of chain.committees) {
        assert.deepEqual((await fresh.store.getCommittee(committee.epoch))?.digest, committee.digest)
      }
      let index = 0
      for await (const { commit } of fresh.subscribe({ from: 1, signal })) {
        index += 1
        assert.equal(toHex(commit.ref.digest), toHex(commitAt(chain, index).subDag.commit.ref.digest))
        if (index === LENGTH) break
      }
      await until(() => isMet(fresh, young))
      const status = await fresh.status()
      const met = status.peers.find(({ peerId }) => peerId === young.peerId.toString())
      assert.deepEqual(
        { source: met?.source, isProtected: met?.isProtected },
        { source: 'committee', isProtected: true }
      )
    }
  })
})

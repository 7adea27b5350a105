import assert from 'node:assert/strict'
import { test } from 'node:test'
import { multiaddr } from '@multiformats/multiaddr'
import { type DialPlanInput, planDials } from '../../src/discovery/dial-plan.ts'
import type { AddressSource, KnownPeer } from '../../src/discovery/known-peers.ts'
import { seededRandom } from '../../src/runtime/random.ts'
import { makePeers } from '../peers/make-peer.ts'
import { names } from './make-info.ts'

const SEED = 3
const peers = await makePeers(60)
const from = (source: AddressSource, start: number, count: number): KnownPeer[] =>
  peers.slice(start, start + count).map(({ peerId }) => ({
    peerId,
    source,
    addresses: [multiaddr('/ip4/8.8.8.8/tcp/1')],
    info: undefined
  }))

const plan = (input: Partial<DialPlanInput>) =>
  planDials({ known: [], taken: 0, target: 20, random: seededRandom(SEED), canDial: () => true, ...input })

test('dialling stops at the target, peers connected and being dialled counted', () => {
  const known = from('gossip', 0, 30)
  assert.equal(plan({ known }).length, 20)
  assert.equal(plan({ known, taken: 17 }).length, 3)
  assert.equal(plan({ known, taken: 25 }).length, 0)
})

test('configured peers are dialled whatever the target, and count', () => {
  const configured = from('configured', 0, 3)
  const gossip = from('gossip', 10, 10)
  assert.deepEqual(names(plan({ known: [...gossip, ...configured], taken: 25 })), names(configured))
  const planned = plan({ known: [...gossip, ...configured], target: 5 })
  assert.equal(planned.length, 5)
  assert.deepEqual(names(planned.slice(0, 3)), names(configured))
})

test('seeds are dialled only when there are not enough others', () => {
  const seeds = from('seed', 0, 2)
  const others = [...from('gossip', 10, 3), ...from('committee', 20, 3)]
  assert.deepEqual(names(plan({ known: [...seeds, ...others], target: 6 })), names(others))
  assert.deepEqual(names(plan({ known: [...seeds, ...others], target: 8 })), names([...seeds, ...others]))
  assert.deepEqual(names(plan({ known: seeds })), names(seeds))
})

test('who cannot be dialled, or has no address, takes no place', () => {
  const known = from('gossip', 0, 6)
  const [first, second] = known
  const nowhere = known.map((peer) => (peer === second ? { ...peer, addresses: [] } : peer))
  const planned = plan({ known: nowhere, target: 4, canDial: (peer) => peer !== first })
  assert.deepEqual(names(planned), names(known.slice(2)))
})

test('the choice is random', () => {
  const known = from('gossip', 0, 50)
  const choices = new Set(
    [1, 2, 3, 4, 5].map((seed) => names(plan({ known, target: 5, random: seededRandom(seed) })).join())
  )
  assert.equal(choices.size, 5)
})
